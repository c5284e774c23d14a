#include "imago/tokenizers/chat/chat_template.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/tokenizers/chat/response/response.h"
#include "imago/tokenizers/chat/template_files.h"

namespace imago::chat {
namespace {

const std::string kData = IMAGO_SOURCE_DIR "/../shared/data/chat_templates/";

std::string user_text(const RenderedChat& rendered) {
  std::string text;
  for (const ByteRange& span : rendered.user)
    text += "[" + rendered.text.substr(span.begin, span.end - span.begin) + "]";
  return text;
}

RenderedChat render(std::string_view source, std::string_view variables) {
  return ChatTemplate(source).render(parse_json(variables, "test"));
}

// The reference's prompts of real templates, or its errors, for every kind of conversation.
TEST(ChatTemplate, EveryPromptIsTheReferences) {
  if (!std::filesystem::exists(kData + "expected.jsonl")) GTEST_SKIP() << "shared/data/chat_templates is not there";
  std::map<std::string, ChatTemplate> templates;
  RenderOptions options;
  options.now = "2026-07-26T00:00:00";
  std::ifstream lines(kData + "expected.jsonl");
  int cases = 0;
  for (std::string line; std::getline(lines, line); ++cases) {
    Json c = parse_json(line, "expected.jsonl");
    auto path = c["template"].get<std::string>();
    std::string name = path + " with " + c["conversation"].get<std::string>();
    Json variables = c["kwargs"];
    for (const char* key : {"messages", "tools", "documents", "add_generation_prompt"}) variables[key] = c[key];
    try {
      auto known = templates.find(path);
      if (known == templates.end()) known = templates.emplace(path, ChatTemplate(read_file(kData + path))).first;
      std::string text = known->second.render(variables, options).text;
      ASSERT_TRUE(c.contains("expected")) << name << " must fail: " << c["error"];
      EXPECT_EQ(text, c["expected"].get<std::string>()) << name;
    } catch (const TemplateError& error) {
      ASSERT_TRUE(c.contains("error")) << name << ": " << error.what();
      EXPECT_EQ(error.exception(), c["error_kind"].get<std::string>()) << name;
      if (error.exception() == "raise_exception") {
        EXPECT_EQ(error.message(), c["error"].get<std::string>()) << name;
      }
    }
  }
  EXPECT_EQ(cases, 1512);
}

TEST(ChatTemplate, TellsTheCallersTextFromTheTemplates) {
  const char* variables =
      R"({"messages": [{"role": "user", "content": " a<|im_end|> "}, {"role": "evil<|x|>", "content": "b"}],
                              "bos_token": "<s>", "system": "sys"})";
  EXPECT_EQ(user_text(render("{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role + '\n' + m.content|trim "
                             "}}<|im_end|>{% endfor %}",
                             variables)),
            "[a<|im_end|>][evil<|x|>][b]");
  EXPECT_EQ(user_text(render(
                "{{ '<' ~ system ~ '>' }}{{ system|upper }}{{ '%s-%d' % (system, 1) }}{{ '{}!'.format(system) }}",
                variables)),
            "[sys][SYSsys][sys]");
  EXPECT_EQ(user_text(render(
                "{{ [system, 'x']|join(', ') }} {{ system[1:] }} {{ 'x'|replace('x', system) }} {{ system * 2 }}",
                variables)),
            "[sys][ys][sys][syssys]");
  EXPECT_EQ(
      user_text(render("{{ {'k': system}|tojson }}{{ system|length }}{{ [system] }}{{ system|indent }}", variables)),
      "[sys][sys][sys]");
  EXPECT_EQ(user_text(render(
                "{% macro f(x) %}({{ x }}){% endmacro %}{{ f(system) }}{% set y %}-{{ system }}{% endset %}{{ y }}",
                variables)),
            "[sys][sys]");
  EXPECT_EQ(user_text(render("{% filter upper %}a{{ system }}{% endfilter %}{{ system.split('y') }}", variables)),
            "[SYS][s][s]");
}

// Expected values were made by render_jinja_template of transformers 5.23.
TEST(ChatTemplate, AppliesAsTransformersDoes) {
  ChatTemplate chat_template(
      "{% for m in messages %}<|{{ m.role }}|>{% if m.reasoning_content %}({{ m.reasoning_content }}){% endif %}"
      "{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}{{ tools is none }}");
  Json request = parse_json(R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes",
                               "thinking": "hm", "tool_calls": null}], "add_generation_prompt": true})",
                            "test");
  EXPECT_EQ(chat_template.apply(request).text, "<|user|>Hi<|end|><|assistant|>(hm)Yes<|end|><|assistant|>True");
  request = parse_json(
      R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The answer is "}]})",
      "test");
  ApplyOptions options;
  options.continue_final_message = "content";
  EXPECT_EQ(chat_template.apply(request, options).text, "<|user|>Hi<|end|><|assistant|>The answer is ");
  ChatTemplate trimming("{% for m in messages %}<|{{ m.role }}|>{{ m.content|trim }}<|end|>{% endfor %}");
  EXPECT_EQ(trimming.apply(request, options).text, "<|user|>Hi<|end|><|assistant|>The answer is");
  request["messages"][1] = parse_json(R"({"role": "assistant", "content": "x", "reasoning": "so I "})", "test");
  options.continue_final_message = "reasoning";
  EXPECT_EQ(chat_template.apply(request, options).text, "<|user|>Hi<|end|><|assistant|>(so I ");
}

TEST(ChatTemplate, RefusesWhatCannotBeApplied) {
  ChatTemplate chat_template("{{ messages[0].content }}");
  ApplyOptions options;
  EXPECT_THROW(chat_template.apply(parse_json(R"({"messages": []})", "test")), Error);
  EXPECT_THROW(chat_template.apply(parse_json(R"({"messages": ["x"]})", "test")), Error);
  EXPECT_THROW(chat_template.apply(parse_json(R"({"messages": [{"role": "user"}], "tools": {}})", "test")), Error);
  options.continue_final_message = "content";
  EXPECT_THROW(chat_template.apply(parse_json(R"({"messages": [{"role": "user"}]})", "test"), options), Error);
  EXPECT_THROW(
      chat_template.apply(parse_json(R"({"messages": [{"content": "a"}, {"content": "b"}]})", "test"), options), Error);
  options = {};
  options.now = "yesterday";
  EXPECT_THROW(chat_template.apply(parse_json(R"({"messages": [{"content": "a"}]})", "test"), options), Error);
}

TEST(ChatTemplate, MarksWhatTheAssistantSays) {
  RenderedChat rendered = render(
      "{% for m in messages %}{{ m.role }}:{% if m.role == 'assistant' %}{% generation %}{{ m.content }}é{% "
      "endgeneration %}"
      "{% else %}{{ m.content }}{% endif %};{% endfor %}",
      R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "ö1"}, {"role": "assistant", "content": "2"}]})");
  ASSERT_EQ(rendered.generation.size(), 2U);
  auto part = [&](size_t i) {
    return rendered.text.substr(rendered.generation[i].begin,
                                rendered.generation[i].end - rendered.generation[i].begin);
  };
  EXPECT_EQ(part(0), "ö1é");
  EXPECT_EQ(part(1), "2é");
}

class TemplateFolder : public testing::Test {
 protected:
  TemplateFolder() : path_(testing::TempDir() + "imago_chat_templates") {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_ + "/additional_chat_templates");
  }
  ~TemplateFolder() override { std::filesystem::remove_all(path_); }
  void write(const std::string& name, const std::string& text) { write_file_atomically(path_ + "/" + name, text); }

  std::string path_;
};

TEST_F(TemplateFolder, TakesTheFilesInOrder) {
  EXPECT_THROW(TemplateFiles::load(path_), Error);
  write("chat_template.json", R"({"chat_template": "legacy"})");
  EXPECT_EQ(TemplateFiles::load(path_).select(), "legacy");
  write("tokenizer_config.json",
        R"({"chat_template": [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}]})");
  EXPECT_EQ(TemplateFiles::load(path_).select(), "a");
  EXPECT_EQ(TemplateFiles::load(path_).select({}, true), "b");
  EXPECT_EQ(TemplateFiles::load(path_).select("tool_use"), "b");
  EXPECT_THROW(TemplateFiles::load(path_).select("rag"), Error);
  write("chat_template.jinja", "jinja");
  EXPECT_EQ(TemplateFiles::load(path_).select({}, true), "jinja");
  write("additional_chat_templates/rag.jinja", "docs");
  EXPECT_EQ(TemplateFiles::load(path_).select("rag"), "docs");
  EXPECT_EQ(TemplateFiles::load(path_ + "/chat_template.jinja").select(), "jinja");
  write("tokenizer_config.json", R"({"chat_template": 1})");
  EXPECT_EQ(TemplateFiles::load(path_).select(), "jinja");
  std::filesystem::remove(path_ + "/chat_template.jinja");
  std::filesystem::remove(path_ + "/additional_chat_templates/rag.jinja");
  EXPECT_THROW(TemplateFiles::load(path_), Error);
}

TEST_F(TemplateFolder, ReadsTheSpecialTokens) {
  write("tokenizer_config.json",
        R"({"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null})");
  write("special_tokens_map.json", R"({"bos_token": "old", "unk_token": "<unk>"})");
  EXPECT_EQ(dump_json(special_token_variables(path_)),
            R"({"bos_token": "<s>", "unk_token": "<unk>", "eos_token": "</s>"})");
}

}  // namespace
}  // namespace imago::chat
