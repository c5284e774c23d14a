// From sounds to what a model takes: the reference's AutoFeatureExtractor.
//
//   const auto extractor = imago::AudioFeatureExtractor::from_folder("path");
//   imago::TensorMap features = extractor->extract({imago::load_audio("speech.flac", extractor->sampling_rate())});
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/nn/model.h"
#include "imago/processors/audio/audio.h"

namespace imago {

struct AudioFeatureOptions {
  bool whole_length = false;  // of Whisper's: all of the sound, and not the first window of it
  bool target = false;        // of SpeechT5's: the spectra that the model is to write, and not what it hears
};

class AudioFeatureExtractor {
 public:
  virtual ~AudioFeatureExtractor() = default;

  // Reads preprocessor_config.json. Throws Error kNotFound, kInvalidFile, and kUnsupported for a kind that is not known
  // and for keys that may change what is computed.
  static std::unique_ptr<AudioFeatureExtractor> from_folder(const std::string& folder);
  static std::unique_ptr<AudioFeatureExtractor> from_json(const Json& json);

  virtual int64_t sampling_rate() const = 0;

  // A row per sound, padded to one length, under the reference's names: "input_features" or "input_values", and
  // "attention_mask" where the kind gives one. Throws Error kInvalidArgument for a sound of another rate, or too short.
  TensorMap extract(std::span<const Audio> sounds, const AudioFeatureOptions& options = {}) const;
  TensorMap extract(std::initializer_list<Audio> sounds, const AudioFeatureOptions& options = {}) const {
    return extract(std::span<const Audio>(sounds.begin(), sounds.size()), options);
  }

 protected:
  virtual bool has_targets() const { return false; }
  virtual TensorMap compute(std::span<const Audio> sounds, const AudioFeatureOptions& options) const = 0;
};

// What a kind of extractor is made from. Each has a file in this folder.
std::unique_ptr<AudioFeatureExtractor> make_whisper_features(const Json& config);
std::unique_ptr<AudioFeatureExtractor> make_wav2vec2_features(const Json& config);
std::unique_ptr<AudioFeatureExtractor> make_ast_features(const Json& config);
std::unique_ptr<AudioFeatureExtractor> make_seamless_features(const Json& config);
std::unique_ptr<AudioFeatureExtractor> make_speecht5_features(const Json& config);

}  // namespace imago
