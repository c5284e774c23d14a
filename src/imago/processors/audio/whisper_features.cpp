// Whisper's features (Radford et al. 2022, section 2.2): the logarithm of the power in mel bands, in windows of 30 s.
#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/processors/audio/audio_config.h"
#include "imago/processors/audio/feature_extractor.h"
#include "imago/processors/audio/spectrogram.h"

namespace imago {
namespace {

struct WhisperConfig {
  int64_t feature_size = 80, sampling_rate = 16000, hop_length = 160, chunk_length = 30, n_fft = 400;
  double padding_value = 0, dither = 0;
  bool return_attention_mask = false;
  JsonText n_samples, nb_max_frames, mel_filters;  // follow from the others
  FIELDS(feature_size, sampling_rate, hop_length, chunk_length, n_fft, padding_value, dither, return_attention_mask,
         n_samples, nb_max_frames, mel_filters)
};

class WhisperFeatures final : public AudioFeatureExtractor {
 public:
  explicit WhisperFeatures(const WhisperConfig& config) : config_(config) {
    const bool sizes = config.feature_size > 0 && config.sampling_rate > 0 && config.hop_length > 0 &&
                       config.chunk_length > 0 && config.n_fft > 1 && config.n_fft <= 65536 &&
                       config.feature_size <= 4096 && config.chunk_length <= 3600 && config.sampling_rate <= 1000000;
    if (!sizes) throw Error(ErrorKind::kInvalidFile, "preprocessor_config.json", "a size is out of range");
    if (config.dither != 0)
      throw Error(ErrorKind::kUnsupported, "preprocessor_config.json", "dither, which is random", "set it to 0");
    spectrogram_.window = window_function(config.n_fft, "hann", true);
    spectrogram_.hop_length = config.hop_length;
    spectrogram_.fft_length = config.n_fft;
    spectrogram_.mel_filters = mel_filter_bank({.frequency_bins = 1 + config.n_fft / 2,
                                                .filters = config.feature_size,
                                                .max_frequency = 8000,
                                                .sampling_rate = config.sampling_rate,
                                                .scale = MelScale::kSlaney,
                                                .slaney_norm = true});
  }

  int64_t sampling_rate() const override { return config_.sampling_rate; }

 protected:
  // input_features [sounds, mels, frames], of 30 s each, or of the longest whole.
  TensorMap compute(std::span<const Audio> sounds, const AudioFeatureOptions& options) const override {
    size_t length = static_cast<size_t>(config_.chunk_length * config_.sampling_rate);
    if (options.whole_length) {
      for (const Audio& sound : sounds) length = std::max(length, sound.samples.size());
    }
    std::vector<float> features;
    std::vector<int64_t> mask;
    int64_t frames = 0;
    for (const Audio& sound : sounds) {
      std::vector<float> samples = sound.samples;
      samples.resize(length, static_cast<float>(config_.padding_value));
      frames = append(samples, features);
      const auto real = static_cast<int64_t>(std::min(sound.samples.size(), length));
      for (int64_t frame = 0; frame < frames; ++frame) mask.push_back(frame * config_.hop_length < real ? 1 : 0);
    }
    const auto rows = static_cast<int64_t>(sounds.size());
    TensorMap out{{"input_features", Tensor::from(features, {rows, config_.feature_size, frames})}};
    if (config_.return_attention_mask || options.whole_length)
      out["attention_mask"] = Tensor::from(mask, {rows, frames});
    return out;
  }

 private:
  // The last frame, which is around the end, is left out; nothing is quieter than 80 dB below the loudest.
  int64_t append(const std::vector<float>& samples, std::vector<float>& features) const {
    std::vector<std::vector<double>> power = mel_spectrogram(samples, spectrogram_);
    power.pop_back();
    double loudest = -INFINITY;
    for (auto& frame : power) {
      for (double& value : frame) loudest = std::max(loudest, value = std::log10(value));
    }
    for (size_t mel = 0; mel < static_cast<size_t>(config_.feature_size); ++mel) {
      for (const auto& frame : power)
        features.push_back(static_cast<float>((std::max(frame[mel], loudest - 8) + 4) / 4));
    }
    return static_cast<int64_t>(power.size());
  }

  WhisperConfig config_;
  SpectrogramOptions spectrogram_;
};

}  // namespace

std::unique_ptr<AudioFeatureExtractor> make_whisper_features(const Json& config) {
  return std::make_unique<WhisperFeatures>(read_audio_config<WhisperConfig>(config));
}

}  // namespace imago
