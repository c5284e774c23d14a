// The samples themselves, of mean zero and variance one (Baevski et al. 2020, section 4.2).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "imago/base/error.h"
#include "imago/processors/audio/audio_config.h"
#include "imago/processors/audio/feature_extractor.h"

namespace imago {
namespace {

struct Wav2Vec2Config {
  int64_t feature_size = 1, sampling_rate = 16000;
  double padding_value = 0;
  bool return_attention_mask = false, do_normalize = true;
  FIELDS(feature_size, sampling_rate, padding_value, return_attention_mask, do_normalize)
};

// By the first `count` numbers.
void normalise(std::vector<float>& row, size_t count) {
  const auto end = row.begin() + static_cast<ptrdiff_t>(count);
  const double mean = std::accumulate(row.begin(), end, 0.0) / static_cast<double>(count);
  double variance = 0;
  for (auto x = row.begin(); x != end; ++x) variance += (*x - mean) * (*x - mean);
  const double deviation = std::sqrt(variance / static_cast<double>(count) + 1e-7);
  for (float& x : row) x = static_cast<float>((x - mean) / deviation);
}

class Wav2Vec2Features final : public AudioFeatureExtractor {
 public:
  explicit Wav2Vec2Features(const Wav2Vec2Config& config) : config_(config) {
    if (config.feature_size != 1 || config.sampling_rate < 1)
      throw Error(ErrorKind::kUnsupported, "preprocessor_config.json", "feature_size is not 1, or the rate below 1");
  }

  int64_t sampling_rate() const override { return config_.sampling_rate; }

 protected:
  // input_values [sounds, samples]. Without a mask, padding counts in the mean and variance, as in training.
  TensorMap compute(std::span<const Audio> sounds, const AudioFeatureOptions&) const override {
    size_t longest = 0;
    for (const Audio& sound : sounds) longest = std::max(longest, sound.samples.size());
    std::vector<float> values;
    std::vector<int64_t> mask;
    for (const Audio& sound : sounds) {
      const size_t count = sound.samples.size();
      std::vector<float> row = sound.samples;
      row.resize(longest, static_cast<float>(config_.padding_value));
      if (config_.do_normalize) normalise(row, config_.return_attention_mask ? count : longest);
      if (config_.do_normalize && config_.return_attention_mask)
        std::fill(row.begin() + static_cast<ptrdiff_t>(count), row.end(), static_cast<float>(config_.padding_value));
      values.insert(values.end(), row.begin(), row.end());
      for (size_t i = 0; i < longest; ++i) mask.push_back(i < count ? 1 : 0);
    }
    const Shape shape = {static_cast<int64_t>(sounds.size()), static_cast<int64_t>(longest)};
    TensorMap out{{"input_values", Tensor::from(values, shape)}};
    if (config_.return_attention_mask) out["attention_mask"] = Tensor::from(mask, shape);
    return out;
  }

 private:
  Wav2Vec2Config config_;
};

}  // namespace

std::unique_ptr<AudioFeatureExtractor> make_wav2vec2_features(const Json& config) {
  return std::make_unique<Wav2Vec2Features>(read_audio_config<Wav2Vec2Config>(config));
}

}  // namespace imago
