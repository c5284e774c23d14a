// image-text-to-text: continues texts and conversations in which pictures stand.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/generation/generate_about_images.h"
#include "imago/ops/cast/cast.h"
#include "imago/pipelines/chat_prompt.h"
#include "imago/pipelines/generation_options.h"
#include "imago/pipelines/image_batch.h"
#include "imago/pipelines/image_text_to_text_task.h"
#include "imago/pipelines/option_reader.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/tokenizers/chat/template_files.h"

namespace imago {
namespace {

constexpr const char* kTask = "image-text-to-text";

struct Options {
  bool return_full_text = true;
  std::optional<bool> continue_final_message;
  bool sanitize_control_tokens = true;  // messages that spell control tokens are text, unlike the reference's default
  DecodeOptions decode;
  int64_t batch_size = 1;
  GenerationConfig generation;
};

Json to_json(const ChatContent& part) {
  if (!part.video.empty()) {
    Json json = {{"type", "video"}, {"video", Json::array()}};
    for (const PictureInput& picture : part.video) json["video"].push_back(picture.file);
    return json;
  }
  if (!part.picture) return {{"type", "text"}, {"text", part.text}};
  Json json = {{"type", "image"}};
  if (!part.picture->file.empty()) json["url"] = part.picture->file;
  return json;
}

Json to_json(const std::vector<ChatMessage>& messages) {
  Json list = Json::array();
  for (const ChatMessage& message : messages) {
    Json content = message.content;
    if (!message.parts.empty()) {
      content = Json::array();
      for (const ChatContent& part : message.parts) content.push_back(to_json(part));
    }
    list.push_back({{"role", message.role}, {"content", content}});
  }
  return list;
}

class ImageTextToTextPipeline final : public PipelineTask {
 public:
  explicit ImageTextToTextPipeline(PipelineModel model)
      : model_(std::move(model)),
        writer_(dynamic_cast<const ImageTextToText*>(model_.model.get())),
        dtype_(floating_dtype_of(*model_.model)) {
    if (writer_ == nullptr) throw Error(ErrorKind::kUnsupported, kTask, "the model writes no texts about pictures");
  }

  std::vector<Json> run(const PipelineCall& call) const override {
    const Options options = read_options(call.options);
    std::optional<chat::ChatTemplate> chat_template;  // the same for every conversation
    std::vector<ProcessorText> prompts;
    for (const PipelineInput& input : call.inputs) {
      if (!input.messages.empty() && !chat_template)
        chat_template.emplace(chat::TemplateFiles::load(model_.folder).select());
      prompts.push_back(input.messages.empty() ? text_prompt(input) : chat_prompt(input, *chat_template, options));
    }
    std::vector<Json> answers(prompts.size());
    const auto batch_size = static_cast<size_t>(options.batch_size);
    for (size_t first = 0; first < prompts.size(); first += batch_size) {
      const size_t count = std::min(batch_size, prompts.size() - first);
      run_batch(call, options, std::span(prompts).subspan(first, count), first, answers);
    }
    return answers;
  }

 private:
  Options read_options(const Json& json) const {
    Options options;
    OptionReader reader(kTask, json);
    options.return_full_text = reader.boolean("return_full_text").value_or(true);
    options.continue_final_message = reader.boolean("continue_final_message");
    options.sanitize_control_tokens = reader.boolean("sanitize_control_tokens").value_or(true);
    options.decode.skip_special_tokens = reader.boolean("skip_special_tokens").value_or(true);
    options.decode.clean_up_tokenization_spaces =
        reader.boolean("clean_up_tokenization_spaces").value_or(model_.tokenizer->clean_up_tokenization_spaces());
    options.batch_size = reader.integer_from("batch_size", 1, 1);
    const auto stop_sequence = reader.texts("stop_sequence");
    options.generation = prepare_generation(model_, {{"max_new_tokens", 256}}, Json::object(), reader.rest());
    if (stop_sequence) options.generation.stop_strings = *stop_sequence;
    return options;
  }

  static bool continues(const PipelineInput& input, const Options& options) {
    return continues_message(input, options.continue_final_message);
  }

  ProcessorText text_prompt(const PipelineInput& input) const {
    if (input.text_pair) throw Error(ErrorKind::kInvalidArgument, kTask, "a pair of texts", "give one text");
    ProcessorText prompt{input.text, {}};
    for (const PictureInput& picture : input.pictures) prompt.pictures.push_back(read_image(picture));
    return prompt;
  }

  ProcessorText chat_prompt(const PipelineInput& input, const chat::ChatTemplate& chat_template,
                            const Options& options) const {
    const ChatPrompt chat = imago::chat_prompt(model_, chat_template, to_json(input.messages),
                                               continues(input, options), options.sanitize_control_tokens);
    ProcessorText prompt{chat.text, {}, chat.literal};
    const auto bos = model_.tokenizer->special_tokens().bos_token;
    prompt.add_special_tokens = !bos || !chat.text.starts_with(*bos);
    for (const ChatMessage& message : input.messages) {
      for (const ChatContent& part : message.parts) {
        if (part.picture) prompt.pictures.push_back(read_image(*part.picture));
        if (part.video.empty()) continue;
        Video& video = prompt.videos.emplace_back();
        for (const PictureInput& picture : part.video) video.push_back(read_image(picture));
      }
    }
    return prompt;
  }

  void run_batch(const PipelineCall& call, const Options& options, std::span<const ProcessorText> prompts, size_t first,
                 std::vector<Json>& answers) const {
    TensorMap tensors = (*model_.processor)(prompts, true);
    for (auto& [name, tensor] : tensors) {
      if (is_floating_point(tensor.dtype())) tensor = cast(tensor, dtype_);
    }
    ImageTextToTextInputs inputs;
    internal::assign_inputs([&](FieldVisitor& visitor) { inputs.each_field(visitor); }, tensors);
    GenerationConfig config = options.generation;
    limit_to_positions(model_, static_cast<size_t>(inputs.input_ids.size(1)), config);
    std::vector<size_t> indices;
    for (size_t i = 0; i < prompts.size(); ++i) indices.push_back(first + i);
    for (const int64_t token : inputs.attention_mask.to_vector<int64_t>()) call.statistics.input_tokens += token;
    const GenerationRun run = [&](const GenerationHooks& watching) {
      return generate(*writer_, inputs, config, watching);
    };
    const GenerationOutput output = generate_batch(model_, run, config, options.decode, indices, call.hooks);

    const std::vector<int64_t> ids = inputs.input_ids.to_vector<int64_t>();
    const auto length = static_cast<size_t>(output.prompt_length);
    const auto width = static_cast<size_t>(inputs.input_ids.size(1));  // an encoder's prompt is not what is continued
    for (size_t row = 0; row < output.sequences.size(); ++row) {
      const size_t index = row / static_cast<size_t>(config.num_return_sequences);
      const std::vector<int64_t>& sequence = output.sequences[row];
      call.statistics.generated_tokens += std::ssize(sequence) - static_cast<int64_t>(length);
      const std::span<const int64_t> prompt(ids.data() + index * width, width);
      const PipelineInput& input = call.inputs[first + index];
      answers[first + index].push_back(record(input, options, new_text(prompt, sequence, options)));
    }
  }

  std::string decode(std::span<const int64_t> ids, const Options& options) const {
    const std::vector<int32_t> narrow(ids.begin(), ids.end());
    return model_.tokenizer->tokenizer().decode(narrow, options.decode);
  }

  // What the whole says behind the prompt, before which there may be two characters more.
  std::string new_text(std::span<const int64_t> prompt, std::span<const int64_t> sequence,
                       const Options& options) const {
    constexpr ptrdiff_t kResidual = 2;
    std::string whole = decode(sequence, options);
    const std::string before = decode(prompt, options);
    const size_t at = whole.find(before);
    if (at == std::string::npos) return whole;
    const auto characters = std::count_if(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(at),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    return characters <= kResidual ? whole.substr(at + before.size()) : whole;
  }

  static Json record(const PipelineInput& input, const Options& options, const std::string& text) {
    if (input.messages.empty())
      return {{"input_text", input.text}, {"generated_text", options.return_full_text ? input.text + text : text}};
    const Json asked = to_json(input.messages);
    if (!options.return_full_text) return {{"input_text", asked}, {"generated_text", text}};
    std::vector<ChatMessage> messages = input.messages;
    if (!continues(input, options)) {
      messages.push_back({"assistant", text});
    } else if (messages.back().parts.empty()) {
      messages.back().content += text;
    } else {
      messages.back().parts.back().text += text;
    }
    return {{"input_text", asked}, {"generated_text", to_json(messages)}};
  }

  PipelineModel model_;
  const ImageTextToText* writer_;
  DType dtype_;
};

}  // namespace

std::shared_ptr<const PipelineTask> image_text_to_text_task(PipelineModel model) {
  return std::make_shared<const ImageTextToTextPipeline>(std::move(model));
}

void register_image_text_to_text(PipelineTable& table) {
  table.add<ImageTextToTextPipeline>(kTask, "AutoModelForImageTextToText", PipelineReads::kTextsWithImages);
}

}  // namespace imago
