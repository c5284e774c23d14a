// SpeechT5's: the samples themselves for what it hears, and the logarithm of the magnitude in mel bands for what it is
// to say.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "imago/base/error.h"
#include "imago/processors/audio/audio_config.h"
#include "imago/processors/audio/feature_extractor.h"
#include "imago/processors/audio/spectrogram.h"

namespace imago {
namespace {

struct SpeechT5Config {
  int64_t feature_size = 1, sampling_rate = 16000, num_mel_bins = 80, hop_length = 16, win_length = 64;  // in ms
  double padding_value = 0, fmin = 80, fmax = 7600, mel_floor = 1e-10, frame_signal_scale = 1;
  bool do_normalize = false, return_attention_mask = true;
  std::string win_function = "hann_window";
  JsonText reduction_factor;  // the model's matter
  FIELDS(feature_size, sampling_rate, num_mel_bins, hop_length, win_length, padding_value, fmin, fmax, mel_floor,
         frame_signal_scale, do_normalize, return_attention_mask, win_function, reduction_factor)
};

std::vector<float> normalised(std::vector<float> samples) {
  const auto count = static_cast<double>(samples.size());
  const double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
  double variance = 0;
  for (const float x : samples) variance += (x - mean) * (x - mean) / count;
  for (float& x : samples) x = static_cast<float>((x - mean) / std::sqrt(variance + 1e-7));
  return samples;
}

class SpeechT5Features final : public AudioFeatureExtractor {
 public:
  explicit SpeechT5Features(const SpeechT5Config& config) : config_(config) {
    const int64_t window = config.win_length * config.sampling_rate / 1000;
    int64_t size = 1;
    while (size < window) size *= 2;
    options_.window = window_function(window, "hann", true);
    options_.hop_length = config.hop_length * config.sampling_rate / 1000;
    options_.fft_length = size;
    options_.mel_floor = config.mel_floor;
    options_.squared = false;
    options_.mel_filters = mel_filter_bank({.frequency_bins = 1 + size / 2,
                                            .filters = config.num_mel_bins,
                                            .min_frequency = config.fmin,
                                            .max_frequency = config.fmax,
                                            .sampling_rate = config.sampling_rate,
                                            .scale = MelScale::kSlaney,
                                            .slaney_norm = true});
  }

  int64_t sampling_rate() const override { return config_.sampling_rate; }

 protected:
  bool has_targets() const override { return true; }

  // input_values [sounds, samples], or of targets [sounds, frames, bands]; padding behind.
  TensorMap compute(std::span<const Audio> sounds, const AudioFeatureOptions& options) const override {
    const auto width = static_cast<size_t>(options.target ? config_.num_mel_bins : 1);
    std::vector<std::vector<float>> rows;
    size_t longest = 0;
    for (const Audio& sound : sounds) {
      rows.push_back(options.target         ? spectra(sound)
                     : config_.do_normalize ? normalised(sound.samples)
                                            : sound.samples);
      longest = std::max(longest, rows.back().size());
    }
    std::vector<float> values;
    std::vector<int64_t> mask;
    for (std::vector<float>& row : rows) {
      for (size_t i = 0; i < longest; i += width) mask.push_back(i < row.size() ? 1 : 0);
      row.resize(longest, static_cast<float>(config_.padding_value));
      values.insert(values.end(), row.begin(), row.end());
    }
    const Shape shape = {static_cast<int64_t>(sounds.size()), static_cast<int64_t>(longest / width)};
    Shape full = shape;
    if (options.target) full.push_back(config_.num_mel_bins);
    TensorMap out{{"input_values", Tensor::from(values, full)}};
    if (config_.return_attention_mask) out["attention_mask"] = Tensor::from(mask, shape);
    return out;
  }

 private:
  std::vector<float> spectra(const Audio& sound) const {
    std::vector<float> values;
    for (const auto& frame : mel_spectrogram(sound.samples, options_)) {
      for (const double value : frame) values.push_back(static_cast<float>(std::log10(value)));
    }
    return values;
  }

  SpeechT5Config config_;
  SpectrogramOptions options_;
};

}  // namespace

std::unique_ptr<AudioFeatureExtractor> make_speecht5_features(const Json& config) {
  const auto read = read_audio_config<SpeechT5Config>(config);
  const auto between = [](int64_t value, int64_t most) { return value >= 1 && value <= most; };
  if (!between(read.sampling_rate, 1000000) || !between(read.num_mel_bins, 4096) || !between(read.win_length, 1000) ||
      !between(read.hop_length, 1000) || read.win_length * read.sampling_rate < 2000 ||
      read.hop_length * read.sampling_rate < 1000)
    throw Error(ErrorKind::kInvalidFile, "preprocessor_config.json", "a size is out of range");
  if (read.feature_size != 1 || read.win_function != "hann_window" || read.frame_signal_scale != 1)
    throw Error(ErrorKind::kUnsupported, "preprocessor_config.json",
                "feature_size or frame_signal_scale is not 1, or win_function not \"hann_window\"");
  return std::make_unique<SpeechT5Features>(read);
}

}  // namespace imago
