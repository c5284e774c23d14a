// The mixer of Mamba 2 (Dao and Gu 2024, "Transformers are SSMs: Generalized Models and Efficient Algorithms Through
// Structured State Space Duality"): every head has a state, a matrix that each token makes fade as a whole and adds to.
// B batch, T tokens, D hidden, I inner channels, H heads.
#pragma once

#include <string>
#include <utility>

#include "imago/nn/activations.h"
#include "imago/nn/state_space.h"

namespace imago::nn {

struct Mamba2MixerOptions {
  int64_t hidden_size = 0, heads = 0, head_size = 0, state_size = 0, groups = 1, kernel_size = 4;
  bool bias = false, convolution_bias = true, output_bias = false;
  std::string activation = "silu";
  std::pair<double, double> time_steps;  // the least and the largest
  double norm_eps = 1e-5;
  bool has_norm = true;          // of the output, in each group; the gate multiplies it in any case,
  bool gate_after_norm = false;  // before the norm or behind it
  int64_t layer = 0;             // whose states the cache keeps
  bool counts_tokens = true;     // whether these states tell the cache of new tokens, or attention beside them does

  int64_t inner_size() const { return heads * head_size; }
};

// A list of two numbers, as configurations write it, of which the second may be infinity.
std::pair<double, double> time_step_limit(const JsonText& text);

// RMSNorm of each group of channels.
struct GatedRMSNorm : Module {
  Tensor weight;
  FIELDS(weight)

  explicit GatedRMSNorm(const Mamba2MixerOptions& o);
  Tensor operator()(const Tensor& x, const Tensor& gate) const;

  int64_t groups;
  double eps;
  bool gate_after;
};

struct Mamba2Mixer : Module {
  Tensor dt_bias, A_log, D;
  CausalConvolution conv1d;
  Linear in_proj, out_proj;
  std::optional<GatedRMSNorm> norm;
  FIELDS(dt_bias, A_log, D, conv1d, in_proj, norm, out_proj)

  explicit Mamba2Mixer(const Mamba2MixerOptions& o);
  // `factors` of the channels behind in_proj may be undefined.
  Tensor operator()(const Tensor& x_BTD, const TextInputs& in, const Tensor& factors = {}) const;

 private:
  Tensor time_steps(const Tensor& dt_BTH, bool limited) const;
  Tensor scan(const Tensor& mixed, const Tensor& dt_BTH, Tensor& state) const;

  Mamba2MixerOptions options_;
  Activation activation_;
};

}  // namespace imago::nn
