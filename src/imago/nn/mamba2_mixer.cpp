// B batch, T tokens, D hidden, I inner channels, H heads, P channels of a head, G groups of heads, S state size.
#include "imago/nn/mamba2_mixer.h"

#include <limits>

#include "imago/base/error.h"
#include "imago/base/json.h"
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

namespace imago::nn {
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

std::pair<double, double> time_step_limit(const JsonText& text) {
  if (text.text.empty()) return {0, std::numeric_limits<double>::infinity()};
  const Json json = parse_json(text.text, "config.json: time_step_limit");
  if (!json.is_array() || json.size() != 2)
    throw Error(ErrorKind::kInvalidFile, "config.json", "time_step_limit is no list of two numbers");
  return {limit(json[0]), limit(json[1])};
}

GatedRMSNorm::GatedRMSNorm(const Mamba2MixerOptions& o)
    : weight(parameter({o.inner_size()})), groups(o.groups), eps(o.norm_eps), gate_after(o.gate_after_norm) {}

Tensor GatedRMSNorm::operator()(const Tensor& x, const Tensor& gate) const {
  const Tensor factor = silu(widen(gate)), gated = gate_after ? x : x * factor;
  const int64_t size = gated.size(2) / groups;
  const Tensor normalised = rms_norm(reshape(gated, {gated.size(0), gated.size(1), groups, size}), {}, eps);
  const Tensor normed = reshape(normalised, gated.shape()) * widen(weight);
  return gate_after ? normed * factor : normed;
}

Mamba2Mixer::Mamba2Mixer(const Mamba2MixerOptions& o)
    : dt_bias(parameter({o.heads})),
      A_log(parameter({o.heads})),
      D(parameter({o.heads})),
      conv1d(o.inner_size() + 2 * o.groups * o.state_size, o.kernel_size, o.convolution_bias),
      in_proj(o.hidden_size, 2 * o.inner_size() + 2 * o.groups * o.state_size + o.heads, o.bias),
      out_proj(o.inner_size(), o.hidden_size, o.output_bias),
      options_(o),
      activation_(activation(o.activation)) {
  if (o.has_norm) norm.emplace(o);
}

Tensor Mamba2Mixer::time_steps(const Tensor& dt_BTH, bool limited) const {
  const Tensor steps = softplus(widen(dt_BTH) + widen(dt_bias));
  return limited ? clamp(steps, options_.time_steps.first, options_.time_steps.second) : steps;
}

// The state spaces' outputs [B, T, I], in float32 at least; `state` [B, H, P, S] becomes that after the last token.
Tensor Mamba2Mixer::scan(const Tensor& mixed, const Tensor& dt_BTH, Tensor& state) const {
  const int64_t batch = mixed.size(0), tokens = mixed.size(1), inner = options_.heads * options_.head_size;
  const Tensor x_BTHP = reshape(widen(narrow(mixed, 2, 0, inner)), {batch, tokens, options_.heads, options_.head_size});
  const Tensor B_BTHS =
      per_head(widen(narrow(mixed, 2, inner, options_.groups * options_.state_size)), options_.groups, options_.heads);
  const Tensor C_BTHS = per_head(
      widen(narrow(mixed, 2, inner + options_.groups * options_.state_size, options_.groups * options_.state_size)),
      options_.groups, options_.heads);
  const Tensor kept_BTH = exp(dt_BTH * -exp(widen(A_log)));
  const Tensor added_BTHP = x_BTHP * unsqueeze(dt_BTH, 3);
  if (!state) state = Tensor::zeros({batch, options_.heads, options_.head_size, options_.state_size}, x_BTHP.dtype());
  Tensors outputs;
  for (int64_t t = 0; t < tokens; ++t) {
    const Tensor kept_BH11 = reshape(select(kept_BTH, 1, t), {batch, options_.heads, 1, 1});
    state = state * kept_BH11 + unsqueeze(select(added_BTHP, 1, t), 3) * unsqueeze(select(B_BTHS, 1, t), 2);
    outputs.push_back(sum(state * unsqueeze(select(C_BTHS, 1, t), 2), {3}));
  }
  return flatten(stack(outputs, 1) + x_BTHP * unsqueeze(widen(D), 1), 2, 3);
}

Tensor Mamba2Mixer::operator()(const Tensor& x_BTD, const TextInputs& in, const Tensor& factors) const {
  const int64_t inner = options_.heads * options_.head_size,
                convolved = inner + 2 * options_.groups * options_.state_size;
  Tensor projected = in_proj(without_padding(x_BTD, in.attention_mask));
  if (factors) projected = projected * factors;
  Tensors states = in.past_key_values != nullptr ? in.past_key_values->state(options_.layer) : Tensors{};
  // The reference does not limit the step of a single token behind others.
  const bool limited = states.empty() || x_BTD.size(1) > 1;
  states.resize(2);
  const Tensor mixed = activation_(conv1d(transpose(narrow(projected, 2, inner, convolved), 1, 2), states[0]));
  const Tensor dt_BTH = time_steps(narrow(projected, 2, inner + convolved, options_.heads), limited);
  const Tensor scanned = scan(without_padding(transpose(mixed, 1, 2), in.attention_mask), dt_BTH, states[1]);
  if (in.past_key_values != nullptr)
    in.past_key_values->set_state(options_.layer, states, options_.counts_tokens ? x_BTD.size(1) : 0);
  const Tensor gate = narrow(projected, 2, 0, inner);
  return out_proj(cast(norm ? (*norm)(scanned, gate) : scanned * widen(silu(gate)), x_BTD.dtype()));
}

}  // namespace imago::nn
