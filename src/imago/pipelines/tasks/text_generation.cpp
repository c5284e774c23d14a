// text-generation: continues texts and conversations with a decoder-only model.
#include <fmt/core.h>

#include <memory>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/progress.h"
#include "imago/pipelines/chat_prompt.h"
#include "imago/pipelines/generation_options.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/pipelines/text_batch.h"
#include "imago/tokenizers/chat/template_files.h"

namespace imago {
namespace {

struct TextGenerationOptions {
  bool return_full_text = true;
  std::string prefix;  // in front of every text, not part of the answer
  std::optional<bool> continue_final_message;
  bool sanitize_control_tokens = true;  // messages that spell control tokens are text, unlike the reference's default
  TextEncodeOptions encode;
  DecodeOptions decode;
  int64_t batch_size = 1;
  GenerationConfig generation;
};

Json to_json(const std::vector<ChatMessage>& messages) {
  Json list = Json::array();
  for (const ChatMessage& message : messages) {
    if (!message.parts.empty()) {
      throw Error(ErrorKind::kUnsupported, "text-generation", "a message with parts, of which one may be a picture",
                  "take image-text-to-text");
    }
    list.push_back({{"role", message.role}, {"content", message.content}});
  }
  return list;
}

class TextGenerationPipeline final : public PipelineTask {
 public:
  explicit TextGenerationPipeline(PipelineModel model) : model_(std::move(model)) {}

  std::vector<Json> run(const PipelineCall& call) const override {
    const TextGenerationOptions options = read_options(call.options);
    std::vector<Encoding> prompts;
    std::optional<chat::ChatTemplate> chat_template;  // the same for every conversation
    for (const PipelineInput& input : call.inputs) {
      if (!input.messages.empty() && !chat_template) {
        chat_template.emplace(chat::TemplateFiles::load(model_.folder).select());
      }
      prompts.push_back(input.messages.empty() ? encode_text(input, options)
                                               : encode_chat(input, *chat_template, options));
      call.statistics.input_tokens += static_cast<int64_t>(prompts.back().size());
    }
    std::optional<Progress> progress;
    if (prompts.size() > 1 && !call.hooks.on_text)
      progress.emplace("text-generation", static_cast<int64_t>(prompts.size()), "texts");
    std::vector<Json> answers(prompts.size());
    for (const std::vector<size_t>& batch : plan_batches(prompts, options.batch_size)) {
      run_batch(call, options, prompts, batch, answers);
      if (progress) progress->advance(static_cast<int64_t>(batch.size()));
    }
    return answers;
  }

 private:
  TextGenerationOptions read_options(const Json& json) const {
    TextGenerationOptions options;
    OptionReader reader("text-generation", json);
    options.return_full_text = reader.boolean("return_full_text").value_or(true);
    options.prefix = reader.text("prefix").value_or("");
    options.continue_final_message = reader.boolean("continue_final_message");
    options.sanitize_control_tokens = reader.boolean("sanitize_control_tokens").value_or(true);
    options.encode.truncation = reader.boolean("truncation").value_or(false);
    options.encode.add_special_tokens = reader.boolean("add_special_tokens").value_or(true);
    options.decode.skip_special_tokens = reader.boolean("skip_special_tokens").value_or(true);
    options.decode.clean_up_tokenization_spaces =
        reader.boolean("clean_up_tokenization_spaces").value_or(model_.tokenizer->clean_up_tokenization_spaces());
    options.batch_size = reader.integer_from("batch_size", 1, 1);
    const auto stop_sequence = reader.texts("stop_sequence");
    const Json defaults = {{"max_new_tokens", 256}, {"do_sample", true}, {"temperature", 0.7}};
    const Json params = model_.task_specific_params("text-generation");
    options.generation = prepare_generation(model_, defaults, params, reader.rest());
    if (stop_sequence) options.generation.stop_strings = *stop_sequence;
    return options;
  }

  static bool continues(const PipelineInput& input, const TextGenerationOptions& options) {
    return continues_message(input, options.continue_final_message);
  }

  Encoding encode_text(const PipelineInput& input, const TextGenerationOptions& options) const {
    if (input.text_pair)
      throw Error(ErrorKind::kInvalidArgument, "text-generation", "a pair of texts", "give one text");
    return not_empty(encode_input(model_, options.prefix + input.text, options.encode), options);
  }

  Encoding encode_chat(const PipelineInput& input, const chat::ChatTemplate& chat_template,
                       const TextGenerationOptions& options) const {
    const ChatPrompt prompt = chat_prompt(model_, chat_template, to_json(input.messages), continues(input, options),
                                          options.sanitize_control_tokens);
    TextEncodeOptions encode = options.encode;
    encode.add_special_tokens = false;  // the template writes them
    if (options.sanitize_control_tokens) encode.literal = &prompt.literal;
    return not_empty(encode_input(model_, prompt.text, encode), options);
  }

  static Encoding not_empty(Encoding prompt, const TextGenerationOptions& options) {
    if (prompt.size() > 0) return prompt;
    const auto bos = options.generation.bos_token_id;
    if (!bos) {
      throw Error(ErrorKind::kInvalidArgument, "text-generation",
                  "the prompt is empty and the model has no bos_token_id", "give at least one token");
    }
    prompt.append_special(static_cast<int32_t>(*bos), "", 0);
    return prompt;
  }

  void run_batch(const PipelineCall& call, const TextGenerationOptions& options, const std::vector<Encoding>& prompts,
                 const std::vector<size_t>& batch, std::vector<Json>& answers) const {
    std::vector<const Encoding*> rows;
    for (size_t index : batch) rows.push_back(&prompts[index]);
    const TextInputs inputs = pad_to_batch(model_, rows, PaddingSide::kLeft);
    GenerationConfig config = options.generation;
    limit_to_positions(model_, static_cast<size_t>(inputs.input_ids.size(1)), config);

    const GenerationOutput output = generate_batch(model_, inputs, config, options.decode, batch, call.hooks);
    for (size_t row = 0; row < output.sequences.size(); ++row) {
      const size_t index = batch[row / static_cast<size_t>(config.num_return_sequences)];
      const std::span<const int64_t> generated =
          std::span(output.sequences[row]).subspan(static_cast<size_t>(output.prompt_length));
      call.statistics.generated_tokens += static_cast<int64_t>(generated.size());
      answers[index].push_back({{"generated_text", answer(call.inputs[index], options, generated)}});
    }
  }

  Json answer(const PipelineInput& input, const TextGenerationOptions& options,
              std::span<const int64_t> generated) const {
    const std::vector<int32_t> ids(generated.begin(), generated.end());
    const std::string text = model_.tokenizer->tokenizer().decode(ids, options.decode);
    if (!options.return_full_text) return text;
    if (input.messages.empty()) return input.text + text;
    std::vector<ChatMessage> messages = input.messages;
    if (continues(input, options)) {
      messages.back().content += text;
    } else {
      messages.push_back({"assistant", text});
    }
    return to_json(messages);
  }

  PipelineModel model_;
};

}  // namespace

void register_text_generation(PipelineTable& table) {
  table.add<TextGenerationPipeline>("text-generation", "AutoModelForCausalLM");
}

}  // namespace imago
