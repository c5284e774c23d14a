// Features as Kaldi makes them: the logarithm of the power in mel bands of frames of 25 ms, of which the
// Audio Spectrogram Transformer and wav2vec2-BERT each have their own scale.
#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/processors/audio/audio_config.h"
#include "imago/processors/audio/feature_extractor.h"
#include "imago/processors/audio/spectrogram.h"

namespace imago {
namespace {

using Frames = std::vector<std::vector<double>>;

constexpr double kMelFloor = 1.192092955078125e-07;  // float32's epsilon, as Kaldi has it

SpectrogramOptions kaldi_options(const char* window, int64_t bands, int64_t sampling_rate) {
  SpectrogramOptions options;
  options.window = window_function(400, window, false);
  options.fft_length = 512;
  options.center = false;
  options.remove_dc_offset = true;
  options.preemphasis = 0.97;
  options.mel_floor = kMelFloor;
  options.mel_filters = mel_filter_bank({.frequency_bins = 257,
                                         .filters = bands,
                                         .min_frequency = 20,
                                         .max_frequency = static_cast<double>(sampling_rate / 2),
                                         .sampling_rate = sampling_rate,
                                         .scale = MelScale::kKaldi,
                                         .triangularize_in_mel_space = true});
  return options;
}

// Of at least one frame. Samples are multiplied by `scale` first.
Frames log_mel(const Audio& sound, const SpectrogramOptions& options, float scale) {
  std::vector<float> samples = sound.samples;
  for (float& sample : samples) sample *= scale;
  Frames frames = mel_spectrogram(samples, options);
  if (frames.empty()) throw Error(ErrorKind::kInvalidArgument, "audio", "the sound is shorter than a frame of 25 ms");
  for (auto& frame : frames) {
    for (double& value : frame) value = std::log(value);
  }
  return frames;
}

void expect_sizes(int64_t bands, int64_t sampling_rate, int64_t other) {
  if (bands < 1 || bands > 4096 || sampling_rate < 100 || sampling_rate > 1000000 || other < 1 || other > 1000000)
    throw Error(ErrorKind::kInvalidFile, "preprocessor_config.json", "a size is out of range");
}

struct AstConfig {
  int64_t feature_size = 1, sampling_rate = 16000, num_mel_bins = 128, max_length = 1024;
  double padding_value = 0, mean = -4.2677393, std = 4.5689974;
  bool do_normalize = true, return_attention_mask = false;
  JsonText mel_filters, window;  // follow from the others
  FIELDS(feature_size, sampling_rate, num_mel_bins, max_length, padding_value, mean, std, do_normalize,
         return_attention_mask, mel_filters, window)
};

class AstFeatures final : public AudioFeatureExtractor {
 public:
  explicit AstFeatures(const AstConfig& config)
      : config_(config), options_(kaldi_options("hann", config.num_mel_bins, config.sampling_rate)) {}

  int64_t sampling_rate() const override { return config_.sampling_rate; }

 protected:
  // input_values [sounds, max_length, bands]: cut, or zeros behind, before all is scaled.
  TensorMap compute(std::span<const Audio> sounds, const AudioFeatureOptions&) const override {
    std::vector<float> values;
    for (const Audio& sound : sounds) {
      Frames frames = log_mel(sound, options_, 1);
      frames.resize(static_cast<size_t>(config_.max_length),
                    std::vector<double>(static_cast<size_t>(config_.num_mel_bins)));
      for (const auto& frame : frames) {
        for (const double value : frame)
          values.push_back(
              static_cast<float>(config_.do_normalize ? (value - config_.mean) / (config_.std * 2) : value));
      }
    }
    return {{"input_values",
             Tensor::from(values, {static_cast<int64_t>(sounds.size()), config_.max_length, config_.num_mel_bins})}};
  }

 private:
  AstConfig config_;
  SpectrogramOptions options_;
};

struct SeamlessConfig {
  int64_t feature_size = 80, sampling_rate = 16000, num_mel_bins = 80, stride = 2;
  double padding_value = 0;
  bool return_attention_mask = true;
  JsonText mel_filters, window;
  FIELDS(feature_size, sampling_rate, num_mel_bins, stride, padding_value, return_attention_mask, mel_filters, window)
};

// Mean zero and variance one in each band, over time.
void normalise(Frames& frames) {
  const auto count = static_cast<double>(frames.size());
  for (size_t band = 0; band < frames[0].size(); ++band) {
    double mean = 0, variance = 0;
    for (const auto& frame : frames) mean += frame[band] / count;
    for (const auto& frame : frames) variance += (frame[band] - mean) * (frame[band] - mean);
    const double deviation = std::sqrt(variance / (count - 1) + 1e-7);
    for (auto& frame : frames) frame[band] = (frame[band] - mean) / deviation;
  }
}

class SeamlessFeatures final : public AudioFeatureExtractor {
 public:
  explicit SeamlessFeatures(const SeamlessConfig& config)
      : config_(config), options_(kaldi_options("povey", config.num_mel_bins, config.sampling_rate)) {}

  int64_t sampling_rate() const override { return config_.sampling_rate; }

 protected:
  // input_features [sounds, frames / stride, stride * bands]: neighbouring frames side by side. A group of them counts
  // where its second frame does.
  TensorMap compute(std::span<const Audio> sounds, const AudioFeatureOptions&) const override {
    std::vector<Frames> rows;
    size_t longest = 0;
    for (const Audio& sound : sounds) {
      rows.push_back(log_mel(sound, options_, 32768));  // as 16-bit integers
      if (rows.back().size() < 2)
        throw Error(ErrorKind::kInvalidArgument, "audio", "the sound is shorter than two frames of 25 ms");
      normalise(rows.back());
      longest = std::max(longest, rows.back().size());
    }
    longest += longest % 2;
    const auto stride = static_cast<size_t>(config_.stride);
    const size_t kept = longest - longest % stride;
    std::vector<float> values;
    std::vector<int64_t> mask;
    for (const Frames& frames : rows) {
      for (size_t i = 0; i < kept; ++i) {
        for (size_t band = 0; band < static_cast<size_t>(config_.num_mel_bins); ++band)
          values.push_back(static_cast<float>(i < frames.size() ? frames[i][band] : config_.padding_value));
        if (i % stride == 1) mask.push_back(i < frames.size() ? 1 : 0);
      }
    }
    const auto count = static_cast<int64_t>(rows.size()), groups = static_cast<int64_t>(kept / stride);
    TensorMap out{{"input_features", Tensor::from(values, {count, groups, config_.stride * config_.num_mel_bins})}};
    if (config_.return_attention_mask) out["attention_mask"] = Tensor::from(mask, {count, groups});
    return out;
  }

 private:
  SeamlessConfig config_;
  SpectrogramOptions options_;
};

}  // namespace

std::unique_ptr<AudioFeatureExtractor> make_ast_features(const Json& config) {
  const auto read = read_audio_config<AstConfig>(config);
  expect_sizes(read.num_mel_bins, read.sampling_rate, read.max_length);
  return std::make_unique<AstFeatures>(read);
}

std::unique_ptr<AudioFeatureExtractor> make_seamless_features(const Json& config) {
  const auto read = read_audio_config<SeamlessConfig>(config);
  expect_sizes(read.num_mel_bins, read.sampling_rate, read.stride);
  if (read.stride < 2) throw Error(ErrorKind::kUnsupported, "preprocessor_config.json", "a stride below 2");
  return std::make_unique<SeamlessFeatures>(read);
}

}  // namespace imago
