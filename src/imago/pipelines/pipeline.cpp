#include "imago/pipelines/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "imago/auto/auto_model.h"
#include "imago/base/error.h"

#include "imago/base/json.h"
#include "imago/peft/adapters.h"
#include "imago/peft/prompt.h"
#include "imago/pipelines/pipeline_task.h"
#include "imago/processors/audio/audio.h"
#include "imago/tensor/grad_meta.h"

namespace imago {

void register_all_pipelines(PipelineTable& table);

namespace {

const PipelineTable& pipeline_table() {
  static const PipelineTable table = [] {
    PipelineTable all;
    register_all_pipelines(all);
    return all;
  }();
  return table;
}

Json to_json(const PipelineOptions& options) {
  Json json = Json::object();
  for (const auto& [name, option] : options)
    std::visit([&, &key = name](const auto& value) { json[key] = value; }, option.value());
  return json;
}

// The reference's tokenizers give token_type_ids unless model_input_names leaves them out.
bool takes_token_type_ids(const std::string& folder) {
  const std::string path = folder + "/tokenizer_config.json";
  if (!std::filesystem::exists(path)) return true;
  const Json config = read_json(path);
  const auto names = config.find("model_input_names");
  return names == config.end() || std::find(names->begin(), names->end(), "token_type_ids") != names->end();
}

std::vector<Json> run_task(const PipelineTask& task, std::span<const PipelineInput> inputs,
                           const PipelineOptions& options, const PipelineHooks& hooks, bool single,
                           PipelineStatistics& statistics) {
  const NoGrad no_grad;
  const Json json = to_json(options);
  return task.run({inputs, json, hooks, single, statistics});
}

// Tasks of the field that no architecture here serves, and why.
struct UnservedTask {
  std::string_view task, reason;
};
constexpr UnservedTask kUnserved[] = {
    {"document-question-answering",
     "no model here reads words with their places on a page; visual-question-answering asks about a picture"},
    {"table-question-answering", "no model here reads tables (TAPAS, TAPEX)"},
    {"video-classification", "videos are not read"},
    {"zero-shot-object-detection", "no model here finds objects by a text (OWL-ViT, Grounding DINO)"},
    {"zero-shot-audio-classification", "no model here compares sounds with texts (CLAP)"},
    {"keypoint-matching", "no model here finds the same points in two pictures (SuperGlue, LightGlue)"},
    {"any-to-any", "each task has its own name here: image-text-to-text, automatic-speech-recognition, text-to-audio"},
};

[[noreturn]] void throw_unknown(std::string_view task) {
  for (const UnservedTask& unserved : kUnserved) {
    if (unserved.task == task)
      throw Error(ErrorKind::kUnsupported, "pipeline", std::string(task), std::string(unserved.reason));
  }
  throw Error(ErrorKind::kUnsupported, "pipeline", fmt::format("no task \"{}\"", task),
              fmt::format("there are {}", fmt::join(pipeline_tasks(), ", ")));
}

}  // namespace

PipelineInput PipelineInput::pair(std::string first, std::string second) {
  PipelineInput input(std::move(first));
  input.text_pair = std::move(second);
  return input;
}

PipelineInput PipelineInput::picture(Image image) {
  PipelineInput input("");
  input.image = std::make_shared<const Image>(std::move(image));
  return input;
}

PictureInput::PictureInput(Image picture) : image(std::make_shared<const Image>(std::move(picture))) {}

PipelineInput PipelineInput::with_pictures(std::string text, std::vector<PictureInput> pictures) {
  PipelineInput input(std::move(text));
  input.pictures = std::move(pictures);
  return input;
}

PipelineInput PipelineInput::sound(Audio audio) {
  PipelineInput input("");
  input.audio = std::make_shared<const Audio>(std::move(audio));
  return input;
}

PipelineOutput::PipelineOutput(Json value, PipelineStatistics statistics)
    : root_(std::make_shared<const Json>(std::move(value))), value_(root_.get()), statistics_(statistics) {}

size_t PipelineOutput::size() const { return value_->is_array() || value_->is_object() ? value_->size() : 1; }

PipelineOutput PipelineOutput::operator[](size_t index) const {
  if (!value_->is_array() || index >= value_->size()) {
    throw Error(ErrorKind::kNotFound, "pipeline output",
                fmt::format("no item {} in a {} of {}", index, value_->type_name(), size()));
  }
  return {root_, &(*value_)[index], statistics_};
}

PipelineOutput PipelineOutput::operator[](std::string_view key) const {
  const std::string name(key);
  if (value_->is_object() && value_->contains(name)) return {root_, &value_->at(name), statistics_};
  std::vector<std::string> keys;
  if (value_->is_object()) {
    for (const auto& [present, value] : value_->items()) keys.push_back(present);
  }
  throw Error(ErrorKind::kNotFound, "pipeline output", fmt::format("no \"{}\" in a {}", name, value_->type_name()),
              keys.empty() ? std::string() : fmt::format("it has {}", fmt::join(keys, ", ")));
}

std::string PipelineOutput::text() const {
  if (value_->is_string()) return value_->get<std::string>();
  throw Error(ErrorKind::kInvalidArgument, "pipeline output", fmt::format("a {} is no text", value_->type_name()));
}

double PipelineOutput::number() const {
  if (value_->is_number()) return value_->get<double>();
  throw Error(ErrorKind::kInvalidArgument, "pipeline output", fmt::format("a {} is no number", value_->type_name()));
}

bool PipelineOutput::is_null() const { return value_->is_null(); }

std::string PipelineOutput::json(int indent) const { return dump_json(*value_, indent); }

PipelineModel load_pipeline_model(const std::string& folder, std::string_view auto_class, std::optional<DType> dtype,
                                  PipelineReads reads, const std::vector<std::string>& adapters) {
  PipelineModel model{folder,
                      model_from_pretrained(folder, auto_class, {.dtype = dtype, .allow_missing = !adapters.empty()})};
  if (adapters.size() == 1 && peft::is_prompt(adapters[0])) {
    model.model = peft::PromptedCausalLM::load(std::move(model.model), adapters[0]);
  } else {
    peft::put_on(*model.model, adapters);
  }
  if (reads == PipelineReads::kText || reads == PipelineReads::kImagesAndText) {
    model.tokenizer = PretrainedTokenizer::from_folder(folder);
    model.takes_token_type_ids = takes_token_type_ids(folder);
  }
  if (reads == PipelineReads::kImages || reads == PipelineReads::kImagesAndText)
    model.image_processor = ImageProcessor::from_folder(folder);
  if (reads == PipelineReads::kTextsWithImages) {
    model.processor = Processor::from_folder(folder);
    model.tokenizer = model.processor->tokenizer();
  }
  return model;
}

Json PipelineModel::config_value(const char* key) const {
  const Json config = parse_json(model->config().source.text, "config.json");
  return config.value(key, Json());
}

Json PipelineModel::task_specific_params(std::string_view task) const {
  const Json params = config_value("task_specific_params");
  return params.is_object() ? params.value(std::string(task), Json::object()) : Json::object();
}

std::optional<int64_t> PipelineModel::position_limit() const {
  Json limit = config_value("max_position_embeddings");
  if (const Json text = config_value("text_config"); limit.is_null() && text.is_object())
    limit = text.value("max_position_embeddings", Json());
  // Encoder-decoder models write n_positions too, but their positions are relative.
  if (limit.is_null() && !model->config().is_encoder_decoder) limit = config_value("n_positions");
  return limit.is_number_integer() ? std::optional(limit.get<int64_t>()) : std::nullopt;
}

std::optional<int64_t> PipelineModel::truncation_limit() const {
  const auto positions = position_limit(), tokens = tokenizer->model_max_length();
  if (positions && tokens) return std::min(*positions, *tokens);
  return positions ? positions : tokens;
}

const PipelineTable::Entry* PipelineTable::find(std::string_view task) const {
  const bool translates = task.starts_with("translation_") && task.find("_to_") != std::string_view::npos;
  const std::string_view wanted = translates ? "translation" : task;
  for (const Entry& entry : entries_) {
    if (entry.task == wanted) return &entry;
  }
  return nullptr;
}

PipelineOutput Pipeline::operator()(const PipelineInput& input, const PipelineOptions& options,
                                    const PipelineHooks& hooks) const {
  PipelineStatistics statistics;
  std::vector<Json> answers = run_task(*task_, {&input, 1}, options, hooks, true, statistics);
  return {std::move(answers.at(0)), statistics};
}

PipelineOutput Pipeline::operator()(const std::vector<PipelineInput>& inputs, const PipelineOptions& options,
                                    const PipelineHooks& hooks) const {
  PipelineStatistics statistics;
  if (inputs.empty()) return {Json::array(), statistics};
  return {Json(run_task(*task_, inputs, options, hooks, false, statistics)), statistics};
}

Pipeline pipeline(std::string_view task, const std::string& path_or_id, const PipelineLoadOptions& options) {
  const PipelineTable::Entry* entry = pipeline_table().find(task);
  if (entry == nullptr) throw_unknown(task);
  const std::string folder = resolve_checkpoint(path_or_id, options.revision);
  return Pipeline(
      entry->make(task, load_pipeline_model(folder, entry->auto_class, options.dtype, entry->reads, options.adapters)));
}

std::vector<std::string> pipeline_tasks() {
  std::vector<std::string> names;
  for (const PipelineTable::Entry& entry : pipeline_table().entries()) names.push_back(entry.task);
  return names;
}

}  // namespace imago
