#include "imago/generation/whisper_settings.h"

#include <fmt/format.h>

#include <filesystem>
#include <limits>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

template <class Value>
std::map<std::string, Value> map_from(const Json& json) {
  std::map<std::string, Value> values;
  for (const auto& [key, value] : json.items()) values[key] = value.template get<Value>();
  return values;
}

// [[1, null], [2, 50359]] is what stands behind the first token.
std::vector<std::optional<int64_t>> read_forced(const Json& pairs) {
  std::vector<std::optional<int64_t>> tokens;
  for (const Json& pair : pairs) {
    if (pair.at(0).get<int64_t>() != std::ssize(tokens) + 1)
      throw Error(ErrorKind::kUnsupported, "generation_config.json", "forced_decoder_ids that are not the prompt's");
    tokens.push_back(pair.at(1).is_null() ? std::nullopt : std::optional(pair.at(1).get<int64_t>()));
  }
  return tokens;
}

std::vector<std::pair<int64_t, int64_t>> read_heads(const Json& pairs, int64_t layers, int64_t heads) {
  std::vector<std::pair<int64_t, int64_t>> result;
  for (const Json& pair : pairs) {
    const auto layer = pair.at(0).get<int64_t>(), head = pair.at(1).get<int64_t>();
    if (layer < 0 || layer >= layers || head < 0 || head >= heads) {
      throw Error(ErrorKind::kInvalidFile, "generation_config.json",
                  fmt::format("alignment_heads has head {} of layer {}, and the decoder has {} layers of {}", head,
                              layer, layers, heads));
    }
    result.emplace_back(layer, head);
  }
  return result;
}

// Takes what is Whisper's own; false for other keys.
bool take(WhisperSettings& settings, const std::string& key, const Json& value) {
  if (key == "no_timestamps_token_id") {
    settings.no_timestamps_token_id = value.get<int64_t>();
  } else if (key == "max_initial_timestamp_index") {
    settings.max_initial_timestamp_index = value.get<int64_t>();
  } else if (key == "prev_sot_token_id") {
    settings.prev_sot_token_id = value.get<int64_t>();
  } else if (key == "lang_to_id") {
    settings.lang_to_id = map_from<int64_t>(value);
  } else if (key == "task_to_id") {
    settings.task_to_id = map_from<int64_t>(value);
  } else if (key == "is_multilingual") {
    settings.is_multilingual = value.get<bool>();
  } else if (key == "return_timestamps") {
    settings.return_timestamps = value.get<bool>();
  } else if (key == "language") {
    settings.language = value.get<std::string>();
  } else if (key == "task") {
    settings.task = value.get<std::string>();
  } else if (key == "compression_ratio_threshold") {
    settings.compression_ratio_threshold = value.get<double>();
  } else if (key == "logprob_threshold") {
    settings.logprob_threshold = value.get<double>();
  } else if (key == "no_speech_threshold") {
    settings.no_speech_threshold = value.get<double>();
  } else if (key == "condition_on_prev_tokens") {
    settings.condition_on_prev_tokens = value.get<bool>();
  } else {
    return key == "forced_decoder_ids" || key == "alignment_heads";
  }
  return true;
}

}  // namespace

int64_t WhisperSettings::timestamp_begin() const {
  return no_timestamps_token_id ? *no_timestamps_token_id + 1 : std::numeric_limits<int64_t>::max();
}

void WhisperSettings::validate() const {
  const auto refuse = [](ErrorKind kind, const char* what, const char* hint) {
    throw Error(kind, "transcribe", what, hint);
  };
  generation.validate();
  if (return_timestamps.value_or(false) && !no_timestamps_token_id)
    refuse(ErrorKind::kUnsupported, "the model has no timestamps",
           "generation_config.json has no no_timestamps_token_id");
  if (!is_multilingual && (language || task))
    refuse(ErrorKind::kInvalidArgument, "the model knows English only", "leave language and task out");
  if (return_token_timestamps && alignment_heads.empty())
    refuse(ErrorKind::kUnsupported, "the model does not say when words are said",
           "generation_config.json has no alignment_heads");
  if (median_filter_width < 1 || median_filter_width % 2 == 0)
    refuse(ErrorKind::kInvalidFile, "median_filter_width of config.json is no odd number", "7 is usual");
  if (no_speech_threshold && (!logprob_threshold || !no_timestamps_token_id))
    refuse(ErrorKind::kInvalidArgument, "no_speech_threshold needs logprob_threshold, and a model with timestamps",
           "set both");
  if (temperatures.empty()) refuse(ErrorKind::kInvalidArgument, "there is no temperature", "0 is greedy search");
  for (const double temperature : temperatures) {
    if (!(temperature >= 0)) refuse(ErrorKind::kInvalidArgument, "a temperature is below 0", "0 is greedy search");
  }
}

WhisperSettings WhisperSettings::from_pretrained(const std::string& folder, const Config& model_config) {
  WhisperSettings settings;
  const Json config = parse_json(model_config.source.text, "config.json");
  const std::string path = folder + "/generation_config.json";
  Json rest = Json::object();
  try {
    settings.window_frames = 2 * config.at("max_source_positions").get<int64_t>();
    settings.max_target_positions = config.at("max_target_positions").get<int64_t>();
    settings.vocab_size = config.at("vocab_size").get<int64_t>();
    settings.median_filter_width = config.value("median_filter_width", settings.median_filter_width);
    const Json json = std::filesystem::exists(path) ? read_json(path) : config;
    const Json forced = json.value("forced_decoder_ids", config.value("forced_decoder_ids", Json()));
    if (!forced.is_null()) settings.forced_prompt = read_forced(forced);
    const Json heads = json.value("alignment_heads", Json());
    if (!heads.is_null()) {
      settings.alignment_heads = read_heads(heads, config.at("decoder_layers").get<int64_t>(),
                                            config.at("decoder_attention_heads").get<int64_t>());
    }
    for (const auto& [key, value] : json.items()) {
      if (!value.is_null() && !take(settings, key, value)) rest[key] = value;
    }
    settings.generation = std::filesystem::exists(path) ? GenerationConfig::from_json(rest)
                                                        : GenerationConfig::from_pretrained(folder, model_config);
  } catch (const JsonError& error) {
    throw Error(ErrorKind::kInvalidFile, path, error.what());
  }
  if (!settings.generation.decoder_start_token_id || settings.generation.eos_token_id.empty())
    throw Error(ErrorKind::kInvalidFile, path, "decoder_start_token_id or eos_token_id is missing");
  return settings;
}

}  // namespace imago
