#include <cstdio>
#include <filesystem>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/line_filter.h"
#include "imago/cli/options.h"
#include "imago/cli/tokenizer_argument.h"
#include "imago/io/hub_cache.h"
#include "imago/tokenizers/chat/chat_template.h"
#include "imago/tokenizers/chat/chat_tokens.h"
#include "imago/tokenizers/chat/template_files.h"

namespace imago {
namespace {

constexpr size_t kMaxRequest = size_t{64} << 20;

bool is_true(const Json& request, std::string_view key) {
  const auto found = request.find(key);
  return found != request.end() && found->is_boolean() && found->get<bool>();
}

bool is_empty_list(const Json& request, std::string_view key) {
  const auto found = request.find(key);
  return found != request.end() && found->is_array() && found->empty();
}

// The field of the final message that "continue_final_message" names: true is its content.
std::string take_continued_field(Json& request) {
  const auto found = request.find("continue_final_message");
  if (found == request.end()) return {};
  const Json value = *found;
  request.erase("continue_final_message");
  std::string field;
  if (value.is_string()) {
    field = value.get<std::string>();
  } else if (value.is_boolean() && value.get<bool>()) {
    field = "content";
  } else if (!value.is_boolean() && !value.is_null()) {
    throw Error(ErrorKind::kInvalidArgument, "request", "\"continue_final_message\" is neither a boolean nor a name");
  }
  if (!field.empty() && is_true(request, "add_generation_prompt")) {
    throw Error(ErrorKind::kInvalidArgument, "request",
                "\"continue_final_message\" and \"add_generation_prompt\" exclude each other");
  }
  return field;
}

class TemplateCommand final : public cli::Command {
 public:
  std::string name() const override { return "template"; }
  std::string description() const override {
    return "print the prompt that a chat template makes of the JSON request on standard input";
  }
  std::string example() const override {
    return R"(echo '{"messages": [{"role": "user", "content": "Hi"}]}' | imago template -m chat_template.jinja)";
  }

  void add_options(cli::Options& options) override {
    options
        .option("-m,--model", model_,
                "a checkpoint's folder or Hub id, a .jinja file, or a JSON file with a chat_template")
        .required();
    options.option("--name", name_, "which of several templates (default: tool_use where there are tools, or default)");
    options.flag("--tokenize", tokenize_,
                 "print a JSON object with the prompt's input_ids, of a folder with a tokenizer");
    options.flag("--return-assistant-tokens-mask", assistant_masks_,
                 "with --tokenize: and assistant_masks, 1 for the tokens that {% generation %} marks");
    options.flag("--sanitize-control-tokens", sanitize_control_tokens_,
                 "with --tokenize: text of the request that spells a control token stays text (default)");
    options.option("--now", now_, "the time that strftime_now tells, as 2026-07-26T00:00:00 (default: the clock)");
  }

  int run() override {
    if (!tokenize_ && (assistant_masks_ || sanitize_control_tokens_)) {
      throw Error(ErrorKind::kInvalidArgument, "template", "options about tokens without --tokenize");
    }
    Json request = parse_json(cli::read_standard_input(kMaxRequest), "request");
    if (!request.is_object()) throw Error(ErrorKind::kInvalidArgument, "request", "it is not a JSON object");
    const bool is_file = std::filesystem::is_regular_file(model_);
    const std::string path = is_file ? model_ : find_model_folder(model_);
    if (!is_file || path.ends_with(".gguf")) add_special_tokens(path, request);

    chat::ApplyOptions options;
    options.continue_final_message = take_continued_field(request);
    if (!now_.empty()) options.now = now_;
    const chat::TemplateFiles files = chat::TemplateFiles::load(path);
    const bool has_tools = request.contains("tools") && !request["tools"].is_null();
    const chat::ChatTemplate chat_template(files.select(name_, has_tools));
    const chat::RenderedChat prompt = is_empty_list(request, "messages") ? render(chat_template, request, options)
                                                                         : chat_template.apply(request, options);
    const std::string answer = tokenize_ ? tokens_of(prompt, chat_template, options) : prompt.text;
    if (std::fwrite(answer.data(), 1, answer.size(), stdout) != answer.size() || std::fflush(stdout) != 0) {
      throw Error(ErrorKind::kIo, "standard output", "the prompt could not be written");
    }
    return 0;
  }

 private:
  // Templates have an answer for a conversation that has not begun, which apply() refuses.
  static chat::RenderedChat render(const chat::ChatTemplate& chat_template, Json variables,
                                   const chat::ApplyOptions& options) {
    if (!options.continue_final_message.empty()) {
      throw Error(ErrorKind::kInvalidArgument, "request", "there is no final message to continue");
    }
    for (const char* name : {"tools", "documents"}) {
      if (!variables.contains(name)) variables[name] = nullptr;
    }
    if (!variables.contains("add_generation_prompt")) variables["add_generation_prompt"] = false;
    return chat_template.render(variables, options);
  }

  std::string tokens_of(const chat::RenderedChat& prompt, const chat::ChatTemplate& chat_template,
                        const chat::ApplyOptions& options) const {
    if (assistant_masks_ && !options.continue_final_message.empty()) {
      throw Error(ErrorKind::kInvalidArgument, "request",
                  "\"continue_final_message\" and --return-assistant-tokens-mask exclude each other");
    }
    const PretrainedTokenizer pretrained = cli::load_tokenizer(model_);
    const LiteralText user = chat::user_text(prompt, chat_template, pretrained.tokenizer());
    EncodeOptions encode{.add_special_tokens = false};
    if (sanitize_control_tokens_.value_or(true)) encode.literal = &user;
    const Encoding encoding = pretrained.tokenizer().encode(prompt.text, encode);
    Json answer = {{"input_ids", encoding.ids}};
    if (assistant_masks_) answer["assistant_masks"] = chat::assistant_tokens_mask(prompt, encoding);
    return dump_json(answer) + "\n";
  }

  static void add_special_tokens(const std::string& folder, Json& request) {
    for (const auto& [name, token] : chat::special_token_variables(folder).items()) {
      if (!request.contains(name)) request[name] = token;
    }
  }

  std::string model_, name_, now_;
  bool tokenize_ = false, assistant_masks_ = false;
  std::optional<bool> sanitize_control_tokens_;
};

}  // namespace

void register_template_command(CommandTable& table) { table.add(std::make_unique<TemplateCommand>()); }

}  // namespace imago
