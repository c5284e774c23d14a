#include "imago/tokenizers/chat/chat_template.h"

#include <cstdio>

#include "imago/base/json.h"
#include "imago/tokenizers/chat/continuation.h"
#include "imago/tokenizers/chat/jinja/failure.h"
#include "imago/tokenizers/chat/jinja/input.h"
#include "imago/tokenizers/chat/jinja/interpreter.h"
#include "imago/tokenizers/chat/jinja/lexer.h"
#include "imago/tokenizers/chat/jinja/parser.h"

namespace imago::chat {
namespace {

std::vector<std::string> literals_of(std::string_view source) {
  std::vector<std::string> literals;
  jinja::Lexer lexer(source);
  for (jinja::Token token = lexer.next(); !token.is(jinja::TokenKind::kEnd); token = lexer.next()) {
    const bool is_literal = token.is(jinja::TokenKind::kText) || token.is(jinja::TokenKind::kString);
    if (is_literal) literals.push_back(std::move(token.text));
  }
  return literals;
}

std::string with_place(std::string_view message, int line, int column) {
  return std::string(message) + " at line " + std::to_string(line) + ", column " + std::to_string(column);
}

jinja::LocalTime parse_time(const std::optional<std::string>& text) {
  if (!text.has_value()) return jinja::LocalTime::now();
  jinja::LocalTime t;
  int used = 0;
  int found = std::sscanf(text->c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &t.year, &t.month, &t.day, &t.hour, &t.minute,
                          &t.second, &used);
  bool valid = found == 6 && static_cast<size_t>(used) == text->size() && t.month >= 1 && t.month <= 12 && t.day >= 1 &&
               t.day <= 31 && t.hour >= 0 && t.hour < 24 && t.minute >= 0 && t.minute < 60 && t.second >= 0 &&
               t.second < 60 && t.year > 0;
  if (!valid) {
    throw Error(ErrorKind::kInvalidArgument, "chat template", "'" + *text + "' is no time",
                "write it as 2026-07-26T00:00:00");
  }
  return t;
}

}  // namespace

TemplateError::TemplateError(ErrorKind kind, std::string_view exception, std::string_view message, int line, int column)
    : Error(kind, "chat template", with_place(message, line, column)),
      message_(message),
      exception_(exception),
      line_(line),
      column_(column) {}

struct ChatTemplate::Parsed {
  std::string source;
  jinja::Program program;
  std::vector<std::string> literals;
};

ChatTemplate::ChatTemplate(std::string_view source) {
  try {
    parsed_ = std::make_unique<const Parsed>(Parsed{std::string(source), jinja::parse(source), literals_of(source)});
  } catch (const jinja::SyntaxFailure& failure) {
    throw TemplateError(failure.kind, "TemplateSyntaxError", failure.message, failure.position.line,
                        failure.position.column);
  }
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

const std::string& ChatTemplate::source() const { return parsed_->source; }
const std::vector<std::string>& ChatTemplate::literals() const { return parsed_->literals; }

RenderedChat ChatTemplate::render(const Json& variables, const RenderOptions& options) const {
  if (!variables.is_object()) {
    throw Error(ErrorKind::kInvalidArgument, "chat template", "the request is not a JSON object");
  }
  jinja::Interpreter interpreter(parsed_->program, options.limits, parse_time(options.now));
  try {
    std::vector<std::pair<std::string, jinja::Value>> values;
    {
      jinja::Unaccounted input;  // the template does not pay for what it is given
      for (const auto& [name, value] : variables.as_object()) {
        values.emplace_back(name, jinja::variable_from_json(name, value));
      }
    }
    jinja::Rendered rendered = interpreter.render(std::move(values));
    return {rendered.text.bytes(), rendered.text.user(), std::move(rendered.generations)};
  } catch (const jinja::Failure& failure) {
    jinja::Position place = interpreter.position();
    throw TemplateError(failure.kind, failure.exception, failure.message, place.line, place.column);
  }
}

RenderedChat ChatTemplate::apply(const Json& request, const ApplyOptions& options) const {
  Json prepared = prepare_request(request);
  if (options.continue_final_message.empty()) return render(prepared, options);
  Continuation continuation(prepared, options.continue_final_message, source());
  return continuation.cut(render(prepared, options));
}

}  // namespace imago::chat
