#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/cli/command.h"
#include "imago/cli/line_filter.h"
#include "imago/cli/options.h"
#include "imago/io/hub_cache.h"
#include "imago/tokenizers/chat/chat_template.h"
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
  request.erase(found);
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
    options.option("--now", now_, "the time that strftime_now tells, as 2026-07-26T00:00:00 (default: the clock)");
  }

  int run() override {
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
    if (std::fwrite(prompt.text.data(), 1, prompt.text.size(), stdout) != prompt.text.size() ||
        std::fflush(stdout) != 0) {
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

  static void add_special_tokens(const std::string& folder, Json& request) {
    for (const auto& [name, token] : chat::special_token_variables(folder).items()) {
      if (!request.contains(name)) request[name] = token;
    }
  }

  std::string model_, name_, now_;
};

}  // namespace

void register_template_command(CommandTable& table) { table.add(std::make_unique<TemplateCommand>()); }

}  // namespace imago
