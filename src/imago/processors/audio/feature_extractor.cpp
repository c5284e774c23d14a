#include "imago/processors/audio/feature_extractor.h"

#include <fmt/format.h>

#include <array>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/processors/audio/audio_config.h"

namespace imago {
namespace {

using Maker = std::unique_ptr<AudioFeatureExtractor> (*)(const Json& config);

constexpr std::array<std::pair<std::string_view, Maker>, 5> kKinds = {{
    {"WhisperFeatureExtractor", make_whisper_features},
    {"Wav2Vec2FeatureExtractor", make_wav2vec2_features},
    {"ASTFeatureExtractor", make_ast_features},
    {"SeamlessM4TFeatureExtractor", make_seamless_features},
    {"SpeechT5FeatureExtractor", make_speecht5_features},
}};

constexpr std::array kInertKeys = {"feature_extractor_type", "processor_class", "return_tensors", "auto_map",
                                   "tokenizer_class",        "padding_side",    "_commit_hash"};

}  // namespace

void internal::expect_known_audio_keys(const std::vector<std::string>& unknown) {
  for (const std::string& key : unknown) {
    if (std::find(kInertKeys.begin(), kInertKeys.end(), key) == kInertKeys.end())
      throw Error(ErrorKind::kUnsupported, "preprocessor_config.json", fmt::format("the key \"{}\" is not known", key));
  }
}

std::unique_ptr<AudioFeatureExtractor> AudioFeatureExtractor::from_folder(const std::string& folder) {
  const ErrorScope scope(folder);
  return from_json(read_json(folder + "/preprocessor_config.json"));
}

std::unique_ptr<AudioFeatureExtractor> AudioFeatureExtractor::from_json(const Json& json) {
  if (!json.is_object() || !json.contains("feature_extractor_type") || !json.at("feature_extractor_type").is_string()) {
    throw Error(ErrorKind::kInvalidFile, "preprocessor_config.json", "it names no feature_extractor_type",
                "add that of the model, as \"WhisperFeatureExtractor\"");
  }
  if (json.contains("padding_side") && json.at("padding_side").get<std::string>() != "right")
    throw Error(ErrorKind::kUnsupported, "preprocessor_config.json", "padding_side is not \"right\"");
  const auto type = json.at("feature_extractor_type").get<std::string>();
  std::string known;
  for (const auto& [name, maker] : kKinds) {
    if (name == type) return maker(json);
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(ErrorKind::kUnsupported, "preprocessor_config.json", fmt::format("no {}", type), "there are " + known);
}

TensorMap AudioFeatureExtractor::extract(std::span<const Audio> sounds, const AudioFeatureOptions& options) const {
  for (const Audio& sound : sounds) {
    if (sound.sampling_rate != sampling_rate()) {
      throw Error(ErrorKind::kInvalidArgument, "audio",
                  fmt::format("{} samples per second, for a model of {}", sound.sampling_rate, sampling_rate()),
                  "resample it, or load it at that rate");
    }
    if (sound.samples.empty()) throw Error(ErrorKind::kInvalidArgument, "audio", "there is no sound in it");
  }
  if (options.target && !has_targets())
    throw Error(ErrorKind::kUnsupported, "audio", "this kind of features has no targets");
  if (sounds.empty()) throw Error(ErrorKind::kInvalidArgument, "audio", "there is no sound at all");
  return compute(sounds, options);
}

}  // namespace imago
