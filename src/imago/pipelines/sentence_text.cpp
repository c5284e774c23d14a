#include "imago/pipelines/sentence_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

constexpr std::array kModelConfigs = {"sentence_bert_config.json",       "sentence_roberta_config.json",
                                      "sentence_distilbert_config.json", "sentence_camembert_config.json",
                                      "sentence_albert_config.json",     "sentence_xlm-roberta_config.json",
                                      "sentence_xlnet_config.json"};

const std::map<std::string, std::string, std::less<>> kAutoClasses = {
    {"feature-extraction", "AutoModel"},
    {"sequence-classification", "AutoModelForSequenceClassification"},
    {"text-generation", "AutoModelForCausalLM"}};

Json read_object(const std::string& path) {
  Json json = std::filesystem::exists(path) ? read_json(path) : Json::object();
  if (!json.is_object()) throw Error(ErrorKind::kInvalidFile, path, "the file is no JSON object");
  return json;
}

Json read_model_config(const std::string& folder) {
  for (const char* name : kModelConfigs) {
    Json config = read_object(folder + "/" + name);
    if (!config.empty()) return config;
  }
  return Json::object();
}

[[noreturn]] void throw_unknown(std::string_view where, const std::string& key, const Json& value) {
  throw Error(ErrorKind::kUnsupported, where, fmt::format("\"{}\": {} is not known", key, dump_json(value)));
}

// Names of inputs and outputs, which are the usual ones for a text.
bool reads_texts_as_usual(const Json& modalities) {
  return modalities.size() == 1 && modalities.contains("text") && modalities["text"].value("method", "") == "forward";
}

bool is_harmless(const std::string& key, const Json& value) {
  if (value.is_null() || (value.is_object() && value.empty())) return true;
  if (key == "modality_config") return reads_texts_as_usual(value);
  if (key == "module_output_name") {
    const auto name = value.get<std::string>();
    return name == "token_embeddings" || name == "scores" || name == "causal_logits";
  }
  return key == "unpad_inputs";  // how fast, not what
}

bool has_lowercase(const Json& normalizer) {
  if (!normalizer.is_object()) return false;
  const std::string type = normalizer.value("type", "");
  if (type != "Sequence") return type == "Lowercase";
  const Json& steps = normalizer.at("normalizers");
  return std::any_of(steps.begin(), steps.end(),
                     [](const Json& step) { return step.value("type", "") == "Lowercase"; });
}

// The same tokenizer, which makes letters small before all else unless it does so anyway.
Tokenizer with_lowercase(const Tokenizer& tokenizer) {
  Json json = parse_json(tokenizer.to_json(false), "tokenizer.json");
  const Json normalizer = json.value("normalizer", Json());
  if (has_lowercase(normalizer)) return tokenizer;
  Json lowercase = Json::object(), steps = Json::array();
  lowercase["type"] = "Lowercase";
  steps.push_back(lowercase);
  if (normalizer.is_object() && normalizer.value("type", "") == "Sequence") {
    for (const Json& step : normalizer.at("normalizers")) steps.push_back(step);
  } else if (!normalizer.is_null()) {
    steps.push_back(normalizer);
  }
  json["normalizer"] = Json::object();
  json["normalizer"]["type"] = "Sequence";
  json["normalizer"]["normalizers"] = steps;
  return Tokenizer::from_json(dump_json(json));
}

}  // namespace

std::vector<SentenceModuleEntry> read_sentence_modules(const std::string& folder) {
  const std::string path = folder + "/modules.json";
  std::vector<SentenceModuleEntry> entries;
  if (!std::filesystem::exists(path)) return entries;
  const Json modules = read_json(path);
  try {
    for (const Json& module : modules) {
      if (module.contains("kwargs") && !module["kwargs"].empty())
        throw_unknown("modules.json", "kwargs", module["kwargs"]);
      const auto where = module.at("path").get<std::string>();
      const std::filesystem::path relative(where);
      if (relative.is_absolute() || std::find(relative.begin(), relative.end(), "..") != relative.end())
        throw Error(ErrorKind::kInvalidFile, path, fmt::format("the path \"{}\" leaves the folder", where));
      entries.push_back({module.at("type").get<std::string>(), where.empty() ? folder : folder + "/" + where});
    }
  } catch (const JsonError& error) {
    throw Error(ErrorKind::kInvalidFile, path, error.what());
  }
  if (entries.empty()) throw Error(ErrorKind::kInvalidFile, path, "it lists no module");
  return entries;
}

bool is_sentence_module(const SentenceModuleEntry& entry, std::string_view name) {
  return entry.type.starts_with("sentence_transformers.") && entry.type.ends_with("." + std::string(name));
}

Json read_sentence_config(const std::string& folder, std::string_view model_type) {
  constexpr std::array known = {"__version__",        "model_type",   "prompts",       "default_prompt_name",
                                "similarity_fn_name", "truncate_dim", "activation_fn", "keep_in_fp32_modules"};
  Json config = read_object(folder + "/config_sentence_transformers.json");
  for (const auto& [key, value] : config.items()) {
    const bool is_known = std::find(known.begin(), known.end(), key) != known.end();
    if (!is_known || (key == "model_type" && value.get<std::string>() != model_type) ||
        (key == "keep_in_fp32_modules" && !value.empty()))
      throw_unknown("config_sentence_transformers.json", key, value);
  }
  return config;
}

SentencePrompts::SentencePrompts(const Json& config, std::initializer_list<const char*> known) {
  for (const char* name : known) texts[name] = "";
  const Json prompts = config.value("prompts", Json());
  if (prompts.is_object()) {
    for (const auto& [name, text] : prompts.items()) texts[name] = text.is_null() ? "" : text.get<std::string>();
  }
  const Json name = config.value("default_prompt_name", Json());
  if (name.is_null()) return;
  default_name = name.get<std::string>();
  if (!texts.contains(*default_name)) {
    throw Error(ErrorKind::kInvalidFile, "config_sentence_transformers.json",
                fmt::format("the default_prompt_name \"{}\" is no name of prompts", *default_name));
  }
}

std::string SentencePrompts::resolve(const std::optional<std::string>& prompt,
                                     const std::optional<std::string>& name) const {
  if (prompt) return *prompt;
  if (!name && !default_name) return "";
  const auto found = texts.find(name ? *name : *default_name);
  if (found != texts.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [each, text] : texts) names.push_back(each);
  throw Error(ErrorKind::kInvalidArgument, "prompt", fmt::format("no prompt is called \"{}\"", *name),
              names.empty() ? "this model has none" : fmt::format("there are {}", fmt::join(names, ", ")));
}

SentenceText SentenceText::load(const std::string& folder, std::string_view default_task, std::optional<DType> dtype) {
  std::string task(default_task);
  std::optional<int64_t> max_seq_length;
  bool do_lower_case = false;
  const Json config = read_model_config(folder);
  for (const auto& [key, value] : config.items()) {
    if (key == "max_seq_length" && value.is_number_integer()) {
      max_seq_length = value.get<int64_t>();
    } else if (key == "do_lower_case" && value.is_boolean()) {
      do_lower_case = value.get<bool>();
    } else if (key == "transformer_task" && value.is_string()) {
      task = value.get<std::string>();
    } else if (!is_harmless(key, value)) {
      throw_unknown("sentence_bert_config.json", key, value);
    }
  }
  const auto auto_class = kAutoClasses.find(task);
  if (auto_class == kAutoClasses.end()) throw_unknown("sentence_bert_config.json", "transformer_task", task);
  SentenceText text{load_pipeline_model(folder, auto_class->second, dtype), task, max_seq_length};
  if (do_lower_case) text.model.tokenizer->set_tokenizer(with_lowercase(text.model.tokenizer->tokenizer()));
  return text;
}

DType SentenceText::dtype() const {
  DType dtype = DType::f32;
  bool first = true;
  for_each_parameter(*model.model, [&](const std::string&, Tensor& parameter) {
    if (first) dtype = parameter.dtype();
    first = false;
  });
  return dtype;
}

Encoding SentenceText::encode(const PipelineInput& input) const {
  return encode_input(model, input, {.truncation = true, .max_length = max_seq_length});
}

std::optional<int64_t> SentenceText::prompt_length(const std::string& prompt) const {
  if (prompt.empty()) return std::nullopt;
  const Encoding encoding = encode(prompt);
  const auto tokens = static_cast<int64_t>(encoding.size());
  const bool ends_special = tokens > 0 && model.tokenizer->tokenizer().is_special(encoding.ids.back());
  return ends_special ? tokens - 1 : tokens;
}

PaddingSide SentenceText::padding_side() const {
  return model.tokenizer->padding_side() == "left" || task == "text-generation" ? PaddingSide::kLeft
                                                                                : PaddingSide::kRight;
}

void SentenceText::for_each_batch(std::span<const Encoding> rows, int64_t batch_size, const BatchBody& body) const {
  for (const std::vector<size_t>& batch : plan_batches(rows, batch_size)) {
    std::vector<const Encoding*> members;
    for (const size_t index : batch) members.push_back(&rows[index]);
    body(batch, pad_to_batch(model, members, padding_side()));
  }
}

}  // namespace imago
