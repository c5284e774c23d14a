// B batch, T tokens, D hidden, I inner channels, H heads, P channels of a head, G groups of heads, S state size.
#include "imago/models/mamba2/mamba2.h"

#include <fmt/core.h>

#include <limits>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/registry.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/rms_norm/rms_norm.h"
#include "imago/ops/silu/silu.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::mamba2 {
namespace {

// A number, or infinity as configurations write it.
double limit(const Json& json) {
  if (json.is_number()) return json.get<double>();
  const bool tagged = json.is_object() && json.size() == 1 && json.contains("__float__");
  if ((tagged ? json["__float__"] : json) == "Infinity") return std::numeric_limits<double>::infinity();
  throw Error(ErrorKind::kInvalidFile, "config.json", "time_step_limit has " + dump_json(json));
}

// Each group's row [B, T, G * S] for each of its heads: [B, T, H, S].
Tensor per_head(const Tensor& x, int64_t groups, int64_t heads) {
  const int64_t batch = x.size(0), tokens = x.size(1), size = x.size(2) / groups;
  const Tensor x_BTG1S = reshape(x, {batch, tokens, groups, 1, size});
  return reshape(expand(x_BTG1S, {batch, tokens, groups, heads / groups, size}), {batch, tokens, heads, size});
}

}  // namespace

Mamba2Config::Mamba2Config() {
  tie_word_embeddings = false;
  pad_token_id = 1;
  bos_token_id = 0;
  eos_token_id = {2};
}

void Mamba2Config::validate() const {
  require_heads("num_heads", num_heads, "n_groups", n_groups);
  time_steps();
  if (conv_kernel >= 1 && state_size >= 1 &&
      expand * static_cast<double>(hidden_size) == static_cast<double>(inner_size()))
    return;
  throw Error(
      ErrorKind::kInvalidFile, "config.json",
      fmt::format("expand {} times hidden_size {} is to be num_heads {} times head_dim {}, with conv_kernel {} and "
                  "state_size {} at least 1",
                  expand, hidden_size, num_heads, head_dim, conv_kernel, state_size));
}

std::pair<double, double> Mamba2Config::time_steps() const {
  if (time_step_limit.text.empty()) return {0, std::numeric_limits<double>::infinity()};
  const Json json = parse_json(time_step_limit.text, "config.json: time_step_limit");
  if (!json.is_array() || json.size() != 2)
    throw Error(ErrorKind::kInvalidFile, "config.json", "time_step_limit is no list of two numbers");
  return {limit(json[0]), limit(json[1])};
}

GatedRMSNorm::GatedRMSNorm(const Mamba2Config& c)
    : weight(parameter({c.inner_size()})), groups(c.n_groups), eps(c.layer_norm_epsilon) {}

Tensor GatedRMSNorm::operator()(const Tensor& x, const Tensor& gate) const {
  const Tensor gated = x * silu(widen(gate));
  const int64_t size = gated.size(2) / groups;
  const Tensor normalised = rms_norm(reshape(gated, {gated.size(0), gated.size(1), groups, size}), {}, eps);
  return reshape(normalised, gated.shape()) * widen(weight);
}

Mixer::Mixer(const Mamba2Config& c, int64_t layer)
    : dt_bias(parameter({c.num_heads})),
      A_log(parameter({c.num_heads})),
      D(parameter({c.num_heads})),
      conv1d(c.inner_size() + 2 * c.n_groups * c.state_size, c.conv_kernel, c.use_conv_bias),
      in_proj(c.hidden_size, 2 * c.inner_size() + 2 * c.n_groups * c.state_size + c.num_heads, c.use_bias),
      out_proj(c.inner_size(), c.hidden_size, c.use_bias),
      norm(c),
      layer_(layer),
      heads_(c.num_heads),
      head_size_(c.head_dim),
      state_size_(c.state_size),
      groups_(c.n_groups),
      limits_(c.time_steps()),
      activation_(nn::activation(c.hidden_act)) {}

Tensor Mixer::time_steps(const Tensor& dt_BTH, bool limited) const {
  const Tensor steps = nn::softplus(widen(dt_BTH) + widen(dt_bias));
  return limited ? clamp(steps, limits_.first, limits_.second) : steps;
}

// The state spaces' outputs [B, T, I], in float32 at least; `state` [B, H, P, S] becomes that after the last token.
Tensor Mixer::scan(const Tensor& mixed, const Tensor& dt_BTH, Tensor& state) const {
  const int64_t batch = mixed.size(0), tokens = mixed.size(1), inner = heads_ * head_size_;
  const Tensor x_BTHP = reshape(widen(narrow(mixed, 2, 0, inner)), {batch, tokens, heads_, head_size_});
  const Tensor B_BTHS = per_head(widen(narrow(mixed, 2, inner, groups_ * state_size_)), groups_, heads_);
  const Tensor C_BTHS =
      per_head(widen(narrow(mixed, 2, inner + groups_ * state_size_, groups_ * state_size_)), groups_, heads_);
  const Tensor kept_BTH = exp(dt_BTH * -exp(widen(A_log)));
  const Tensor added_BTHP = x_BTHP * unsqueeze(dt_BTH, 3);
  if (!state) state = Tensor::zeros({batch, heads_, head_size_, state_size_}, x_BTHP.dtype());
  Tensors outputs;
  for (int64_t t = 0; t < tokens; ++t) {
    const Tensor kept_BH11 = reshape(select(kept_BTH, 1, t), {batch, heads_, 1, 1});
    state = state * kept_BH11 + unsqueeze(select(added_BTHP, 1, t), 3) * unsqueeze(select(B_BTHS, 1, t), 2);
    outputs.push_back(sum(state * unsqueeze(select(C_BTHS, 1, t), 2), {3}));
  }
  return flatten(stack(outputs, 1) + x_BTHP * unsqueeze(widen(D), 1), 2, 3);
}

Tensor Mixer::operator()(const Tensor& x_BTD, const TextInputs& in) const {
  const int64_t inner = heads_ * head_size_, convolved = inner + 2 * groups_ * state_size_;
  const Tensor projected = in_proj(nn::without_padding(x_BTD, in.attention_mask));
  Tensors states = in.past_key_values != nullptr ? in.past_key_values->state(layer_) : Tensors{};
  // The reference does not limit the step of a single token behind others.
  const bool limited = states.empty() || x_BTD.size(1) > 1;
  states.resize(2);
  const Tensor mixed = activation_(conv1d(transpose(narrow(projected, 2, inner, convolved), 1, 2), states[0]));
  const Tensor dt_BTH = time_steps(narrow(projected, 2, inner + convolved, heads_), limited);
  const Tensor scanned = scan(nn::without_padding(transpose(mixed, 1, 2), in.attention_mask), dt_BTH, states[1]);
  if (in.past_key_values != nullptr) in.past_key_values->set_state(layer_, states, x_BTD.size(1));
  return out_proj(cast(norm(scanned, narrow(projected, 2, 0, inner)), x_BTD.dtype()));
}

}  // namespace imago::mamba2

namespace imago {

void register_mamba2(Registry& registry) {
  using namespace mamba2;
  registry.add<Mamba2Model>("Mamba2Model");
  registry.add<Mamba2ForCausalLM>("Mamba2ForCausalLM", {"AutoModelForPreTraining"});
}

}  // namespace imago
