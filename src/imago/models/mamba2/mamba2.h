// Mamba 2 (Dao and Gu 2024, "Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured
// State Space Duality").
#pragma once

#include "imago/nn/mamba2_mixer.h"

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
};

struct Mixer : nn::Mamba2Mixer {
  Mixer(const Mamba2Config& c, int64_t layer);
};

using Mamba2Model = nn::StateSpaceModel<Mamba2Config, Mixer>;
using Mamba2ForCausalLM = nn::AlsoServes<nn::ForCausalLM<Mamba2Model, nn::WideLMHead>, "AutoModelForPreTraining">;

}  // namespace imago::mamba2
