// Mamba 2 (Dao and Gu 2024, "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured
// State Space Duality").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/state_space.h"

namespace imago::mamba2 {

struct Mamba2Config : Config {
  static constexpr const char* kModelType = "mamba2";
  int64_t vocab_size = 32768, hidden_size = 4096, num_heads = 128, head_dim = 64, state_size = 128, n_groups = 8;
  int64_t num_hidden_layers = 64, conv_kernel = 4;
  double expand = 2;
  bool use_bias = false, use_conv_bias = true, residual_in_fp32 = true;
  std::string hidden_act = "silu";
  double layer_norm_epsilon = 1e-5;
  JsonText time_step_limit;  // the least and the largest time step
  // Of no effect: how weights are drawn, and into which pieces the reference cuts its sums.
  JsonText time_step_rank, time_step_min, time_step_max, time_step_floor, rescale_prenorm_residual, chunk_size,
      rms_norm, norm_before_gate;
  FIELDS_AND(Config, vocab_size, hidden_size, num_heads, head_dim, state_size, n_groups, num_hidden_layers, conv_kernel,
             expand, use_bias, use_conv_bias, residual_in_fp32, hidden_act, layer_norm_epsilon, time_step_limit,
             time_step_rank, time_step_min, time_step_max, time_step_floor, rescale_prenorm_residual, chunk_size,
             rms_norm, norm_before_gate)

  Mamba2Config();
  void validate() const override;
  int64_t inner_size() const { return num_heads * head_dim; }
  std::pair<double, double> time_steps() const;
};

// RMSNorm of each group of channels, of x silu(gate).
struct GatedRMSNorm : Module {
  Tensor weight;
  FIELDS(weight)

  explicit GatedRMSNorm(const Mamba2Config& c);
  Tensor operator()(const Tensor& x, const Tensor& gate) const;

  int64_t groups;
  double eps;
};

// Every head has a state, a matrix that each token makes fade as a whole and adds to.
struct Mixer : Module {
  Tensor dt_bias, A_log, D;
  nn::CausalConvolution conv1d;
  nn::Linear in_proj, out_proj;
  GatedRMSNorm norm;
  FIELDS(dt_bias, A_log, D, conv1d, in_proj, norm, out_proj)

  Mixer(const Mamba2Config& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const TextInputs& in) const;

 private:
  Tensor time_steps(const Tensor& dt_BTH, bool limited) const;
  Tensor scan(const Tensor& mixed, const Tensor& dt_BTH, Tensor& state) const;

  int64_t layer_, heads_, head_size_, state_size_, groups_;
  std::pair<double, double> limits_;
  nn::Activation activation_;
};

using Mamba2Model = nn::StateSpaceModel<Mamba2Config, Mixer>;
using Mamba2ForCausalLM = nn::ForCausalLM<Mamba2Model, nn::WideLMHead>;

}  // namespace imago::mamba2
