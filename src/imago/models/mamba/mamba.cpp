// Mamba (Gu and Dao 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces"). B batch, T
// tokens, D hidden, I inner channels, S state size, R rank of the time step.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/activations.h"
#include "imago/nn/registry.h"
#include "imago/nn/state_space.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/silu/silu.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

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

  MambaConfig() {
    pad_token_id = 0;
    bos_token_id = 0;
    eos_token_id = {0};
  }
  void validate() const override {
    if (inner_size() >= 1 && state_size >= 1 && conv_kernel >= 1 && rank() >= 1) return;
    throw Error(ErrorKind::kInvalidFile, "config.json",
                fmt::format("expand {}, state_size {}, conv_kernel {} and time_step_rank {} are to be at least 1",
                            expand, state_size, conv_kernel, rank()));
  }
  int64_t inner_size() const { return static_cast<int64_t>(expand * static_cast<double>(hidden_size)); }
  int64_t rank() const {
    if (!time_step_rank.text.empty()) {
      const Json json = parse_json(time_step_rank.text, "config.json: time_step_rank");
      if (json.is_number_integer()) return json.get<int64_t>();
      if (json != "auto") throw Error(ErrorKind::kInvalidFile, "config.json", "time_step_rank is " + dump_json(json));
    }
    return (hidden_size + 15) / 16;
  }
};

// Every channel has a state of its own, which each token makes fade and adds to as it says itself.
struct Mixer : Module {
  nn::CausalConvolution conv1d;
  nn::Linear in_proj, x_proj, dt_proj, out_proj;
  Tensor A_log, D;
  FIELDS(A_log, D, conv1d, in_proj, x_proj, dt_proj, out_proj)

  Mixer(const MambaConfig& c, int64_t layer)
      : conv1d(c.inner_size(), c.conv_kernel, c.use_conv_bias),
        in_proj(c.hidden_size, 2 * c.inner_size(), c.use_bias),
        x_proj(c.inner_size(), c.rank() + 2 * c.state_size, false),
        dt_proj(c.rank(), c.inner_size()),
        out_proj(c.inner_size(), c.hidden_size, c.use_bias),
        A_log(parameter({c.inner_size(), c.state_size})),
        D(parameter({c.inner_size()})),
        layer_(layer),
        rank_(c.rank()),
        state_size_(c.state_size),
        activation_(nn::activation(c.hidden_act)) {}
  Tensor operator()(const Tensor& x_BTD, const TextInputs& in) const {
    const Tensor both = in_proj(nn::without_padding(x_BTD, in.attention_mask));
    const int64_t inner = both.size(2) / 2;
    Tensors states = in.past_key_values != nullptr ? in.past_key_values->state(layer_) : Tensors{};
    states.resize(2);
    const Tensor mixed = activation_(conv1d(transpose(narrow(both, 2, 0, inner), 1, 2), states[0]));
    const Tensor scanned = scan(nn::without_padding(transpose(mixed, 1, 2), in.attention_mask), states[1]);
    if (in.past_key_values != nullptr) in.past_key_values->set_state(layer_, states, x_BTD.size(1));
    return out_proj(cast(scanned * silu(widen(narrow(both, 2, inner, inner))), x_BTD.dtype()));
  }

 private:
  // The state space's outputs, in float32 at least; `state` [B, I, S] becomes that after the last token.
  Tensor scan(const Tensor& x_BTI, Tensor& state) const {
    const Tensor parameters = x_proj(x_BTI);
    const Tensor dt_BTI = nn::softplus(widen(dt_proj(narrow(parameters, 2, 0, rank_))));
    const Tensor B_BTS = widen(narrow(parameters, 2, rank_, state_size_));
    const Tensor C_BTS = widen(narrow(parameters, 2, rank_ + state_size_, state_size_));
    const Tensor A_IS = -exp(widen(A_log)), x = widen(x_BTI);
    if (!state) state = Tensor::zeros({x.size(0), x.size(2), state_size_}, x.dtype());
    Tensors outputs;
    for (int64_t t = 0; t < x.size(1); ++t) {
      const Tensor dt_BI1 = unsqueeze(select(dt_BTI, 1, t), 2);
      const Tensor added = dt_BI1 * unsqueeze(select(x, 1, t), 2) * unsqueeze(select(B_BTS, 1, t), 1);
      state = exp(dt_BI1 * A_IS) * state + added;
      outputs.push_back(sum(state * unsqueeze(select(C_BTS, 1, t), 1), {2}));
    }
    return stack(outputs, 1) + x * widen(D);
  }

  int64_t layer_, rank_, state_size_;
  nn::Activation activation_;
};

using MambaModel = nn::StateSpaceModel<MambaConfig, Mixer>;
using MambaForCausalLM = nn::AlsoServes<nn::ForCausalLM<MambaModel, nn::WideLMHead>, "AutoModelForPreTraining">;

}  // namespace imago::mamba

REGISTER_MODELS(mamba, MambaModel, MambaForCausalLM)
