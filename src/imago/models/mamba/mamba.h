// Mamba (Gu and Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/state_space.h"

namespace imago::mamba {

struct MambaConfig : Config {
  static constexpr const char* kModelType = "mamba";
  int64_t vocab_size = 50280, hidden_size = 768, state_size = 16, num_hidden_layers = 32;
  double expand = 2;
  int64_t conv_kernel = 4;
  bool use_bias = false, use_conv_bias = true, residual_in_fp32 = true;
  std::string hidden_act = "silu";
  double layer_norm_epsilon = 1e-5;
  JsonText time_step_rank;  // a number or "auto"
  // Of no effect: how weights are drawn and which implementation runs; and what follows from the others.
  JsonText time_step_scale, time_step_min, time_step_max, time_step_init_scheme, time_step_floor,
      rescale_prenorm_residual, use_mambapy, use_associative_scan, intermediate_size, d_model, d_inner, n_layer,
      ssm_cfg, fused_add_norm, rms_norm, pad_vocab_size_multiple;
  FIELDS_AND(Config, vocab_size, hidden_size, state_size, num_hidden_layers, expand, conv_kernel, use_bias,
             use_conv_bias, residual_in_fp32, hidden_act, layer_norm_epsilon, time_step_rank, time_step_scale,
             time_step_min, time_step_max, time_step_init_scheme, time_step_floor, rescale_prenorm_residual,
             use_mambapy, use_associative_scan, intermediate_size, d_model, d_inner, n_layer, ssm_cfg, fused_add_norm,
             rms_norm, pad_vocab_size_multiple)

  MambaConfig();
  void validate() const override;
  int64_t inner_size() const { return static_cast<int64_t>(expand * static_cast<double>(hidden_size)); }
  int64_t rank() const;
};

// Every channel has a state of its own, which each token makes fade and adds to as it says itself.
struct Mixer : Module {
  nn::CausalConvolution conv1d;
  nn::Linear in_proj, x_proj, dt_proj, out_proj;
  Tensor A_log, D;
  FIELDS(A_log, D, conv1d, in_proj, x_proj, dt_proj, out_proj)

  Mixer(const MambaConfig& c, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const TextInputs& in) const;

 private:
  Tensor scan(const Tensor& x_BTI, Tensor& state) const;

  int64_t layer_, rank_, state_size_;
  nn::Activation activation_;
};

using MambaModel = nn::StateSpaceModel<MambaConfig, Mixer>;
using MambaForCausalLM = nn::AlsoServes<nn::ForCausalLM<MambaModel, nn::WideLMHead>, "AutoModelForPreTraining">;

}  // namespace imago::mamba
