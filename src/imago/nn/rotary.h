// Rotary position embeddings (Su et al. 2021) with the published ways of stretching them to longer contexts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/tensor/fields.h"
#include "imago/tensor/tensor.h"

namespace imago::nn {

// What config.json says of rotary positions, from `rope_parameters` (current), or `rope_scaling` and `rope_theta`
// (older).
struct RotaryConfig {
  std::string rope_type = "default";  // default, linear, dynamic, yarn, longrope, llama3, proportional
  double rope_theta = 10000;
  double partial_rotary_factor = 1;
  int64_t head_dim = 0;
  int64_t max_position_embeddings = 0;
  int64_t original_max_position_embeddings = 0;
  std::optional<double> factor, attention_factor, mscale, mscale_all_dim, beta_fast, beta_slow;
  double low_freq_factor = 1, high_freq_factor = 4;
  bool truncate = true;
  std::vector<double> short_factor, long_factor;

  // `partial_rotary_factor` is that of files which have it outside; the parameters' own counts before it.
  // Throws Error kUnsupported for a rope_type or a key it does not know, kInvalidFile where a needed key is missing.
  static RotaryConfig read(const JsonText& rope_parameters, const JsonText& rope_scaling,
                           std::optional<double> rope_theta, int64_t head_dim, int64_t max_position_embeddings,
                           double partial_rotary_factor = 1);
};

// The rope_parameters of one type of layers in {"full_attention": {...}, "sliding_attention": {...}}; none where they
// are not given. Throws Error kUnsupported for other types.
JsonText rope_parameters_of(std::string_view layer_type, const JsonText& rope_parameters);

// Cosines and sines of the angles of each position: [batch, tokens, rotary_dim / 2] each, already scaled by the
// method's attention factor.
struct RotaryAngles {
  Tensor cos, sin;
};

class Rotary {
 public:
  Rotary() = default;
  explicit Rotary(RotaryConfig config) : config_(std::move(config)) {}

  int64_t rotary_dim() const;
  // `position_ids` [batch, tokens] int64. Angles are computed in float64 and rounded once, to `dtype`.
  RotaryAngles operator()(const Tensor& position_ids, DType dtype) const;

  // Angle per position of each pair of channels, for sequences of `tokens` positions.
  std::vector<double> inverse_frequencies(int64_t tokens) const;
  double attention_scaling() const;

 private:
  RotaryConfig config_;
};

}  // namespace imago::nn
