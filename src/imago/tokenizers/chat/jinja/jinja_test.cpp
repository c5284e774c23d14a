#include <gtest/gtest.h>

#include "imago/base/json.h"
#include "imago/tokenizers/chat/chat_template.h"
#include "imago/tokenizers/chat/jinja/cases.h"

namespace imago::chat {
namespace {

RenderOptions fixed_clock() {
  RenderOptions options;
  options.now = "2026-07-26T00:00:00";
  return options;
}

TEST(Jinja, RendersAsJinja2) {
  Json variables = parse_json(kCaseVariables, "cases");
  for (const RenderCase& c : kRenderCases) {
    try {
      EXPECT_EQ(ChatTemplate(c.source).render(variables, fixed_clock()).text, c.expected) << c.source;
    } catch (const Error& error) {
      ADD_FAILURE() << c.source << ": " << error.what();
    }
  }
}

TEST(Jinja, FailsAsJinja2) {
  Json variables = parse_json(kCaseVariables, "cases");
  for (const ErrorCase& c : kErrorCases) {
    try {
      ChatTemplate(c.source).render(variables, fixed_clock());
      ADD_FAILURE() << "no error: " << c.source;
    } catch (const TemplateError& error) {
      EXPECT_EQ(error.exception(), c.exception) << c.source << ": " << error.message();
    }
  }
}

TemplateError error_of(std::string_view source) {
  try {
    ChatTemplate(source).render(Json::object());
  } catch (const TemplateError& error) {
    return error;
  }
  throw std::runtime_error("no error");
}

TEST(Jinja, ErrorsTellTheirPlace) {
  TemplateError error = error_of("line one\n  {{ 'é' ~ (1 + none) }}");
  EXPECT_EQ(error.line(), 2);
  EXPECT_EQ(error.column(), 15);
  EXPECT_STREQ(error.what(),
               "[chat template] unsupported operand type(s) for +: 'int' and 'NoneType' at line 2, column 15");
  error = error_of("{% if x %}\n\n{% endfor %}");
  EXPECT_EQ(error.exception(), "TemplateSyntaxError");
  EXPECT_EQ(error.line(), 3);
  EXPECT_EQ(error_of("{{ x|nope }}").column(), 6);
}

TEST(Jinja, RefusesByName) {
  for (const char* source : {"{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}",
                             "{% from 'x' import y %}", "{{ 'x'|urlize }}", "{{ [1]|random }}", "{{ 'x'.encode() }}",
                             "{{ lipsum() }}", "{{ 9223372036854775807 + 1 }}"}) {
    EXPECT_EQ(error_of(source).kind(), ErrorKind::kUnsupported) << source;
  }
}

TEST(Jinja, LargeIntegersKeepTheirDigits) {
  Json variables = parse_json(R"({"x": 12345678901234567890})", "test");
  EXPECT_EQ(ChatTemplate("{{ x }} {{ [x]|tojson }} {{ x > 1 }} {{ x == x }} {{ x is integer }}").render(variables).text,
            "12345678901234567890 [12345678901234567890] True True True");
}

}  // namespace
}  // namespace imago::chat
