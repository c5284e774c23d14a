// B batch, T tokens, S tokens with those of the cache, D hidden, H heads, K head size, N = B * T, E experts, G groups.
#include "imago/models/deepseek_v3/deepseek_v3.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/rope/rope.h"
#include "imago/ops/scatter/scatter.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/topk/topk.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::deepseek_v3 {
namespace {

// Where positions are stretched, scores are, too.
double score_scale(const DeepseekV3Config& c) {
  const double scale = 1 / std::sqrt(static_cast<double>(c.query_size()));
  const nn::RotaryConfig rotary = nn::rotary_config(c);
  const double mscale_all_dim = rotary.mscale_all_dim.value_or(0), factor = rotary.factor.value_or(1);
  if (rotary.rope_type == "default" || mscale_all_dim == 0 || factor <= 1) return scale;
  const double mscale = 0.1 * mscale_all_dim * std::log(factor) + 1;
  return scale * mscale * mscale;
}

void require(bool condition, const std::string& what) {
  if (!condition) throw Error(ErrorKind::kUnsupported, "config.json", what);
}

}  // namespace

DeepseekV3Config::DeepseekV3Config() {
  tie_word_embeddings = false;
  bos_token_id = 0;
  eos_token_id = {1};
}

void DeepseekV3Config::validate() const {
  nn::require_experts("n_routed_experts", n_routed_experts, num_experts_per_tok);
  require_heads("n_routed_experts", n_routed_experts, "n_group", n_group);
  require(n_routed_experts / n_group >= 2, "groups of one expert (n_routed_experts is n_group)");
  require(topk_group >= 1 && topk_group <= n_group, fmt::format("topk_group {} of n_group {}", topk_group, n_group));
  require(num_experts_per_tok <= topk_group * (n_routed_experts / n_group),
          fmt::format("num_experts_per_tok {} is more than topk_group has", num_experts_per_tok));
  require(num_key_value_heads.value_or(num_attention_heads) == num_attention_heads,
          "num_key_value_heads other than num_attention_heads");
  require(scoring_func == "sigmoid", "scoring_func " + scoring_func);
  require(topk_method == "noaux_tc", "topk_method " + topk_method);
  require(moe_layer_freq == 1, fmt::format("moe_layer_freq {}", moe_layer_freq));
  require(num_nextn_predict_layers >= 0 && num_nextn_predict_layers <= 16,
          fmt::format("num_nextn_predict_layers {}", num_nextn_predict_layers));
  require(qk_rope_head_dim >= 2 && qk_rope_head_dim % 2 == 0, fmt::format("qk_rope_head_dim {}", qk_rope_head_dim));
}

Attention::Attention(const DeepseekV3Config& c, int64_t layer)
    : kv_a_proj_with_mqa(c.hidden_size, c.kv_lora_rank + c.qk_rope_head_dim, c.attention_bias),
      kv_b_proj(c.kv_lora_rank, c.num_attention_heads * (c.qk_nope_head_dim + c.v_head_dim), false),
      o_proj(c.num_attention_heads * c.v_head_dim, c.hidden_size, c.attention_bias),
      kv_a_layernorm(c.kv_lora_rank, 1e-6),
      heads_(c.num_attention_heads),
      layer_(layer),
      latent_size_(c.kv_lora_rank),
      plain_size_(c.qk_nope_head_dim),
      turned_size_(c.qk_rope_head_dim),
      interleaved_(c.rope_interleave),
      scale_(score_scale(c)) {
  const int64_t width = c.num_attention_heads * c.query_size();
  if (!c.q_lora_rank) {
    q_proj = nn::Linear(c.hidden_size, width, false);
    return;
  }
  q_a_proj = nn::Linear(c.hidden_size, *c.q_lora_rank, c.attention_bias);
  q_a_layernorm = nn::RMSNorm(*c.q_lora_rank, 1e-6);
  q_b_proj = nn::Linear(*c.q_lora_rank, width, false);
}

Tensor Attention::turned(const Tensor& x_BHTK, const nn::RotaryAngles& angles) const {
  return rope(x_BHTK, angles.cos, angles.sin, interleaved_ ? RotaryPairs::kInterleaved : RotaryPairs::kHalves);
}

Tensor Attention::queries(const Tensor& x_BTD, const nn::RotaryAngles& angles) const {
  const Tensor q_BHTK =
      nn::split_heads(q_proj.weight ? q_proj(x_BTD) : q_b_proj(q_a_layernorm(q_a_proj(x_BTD))), heads_);
  return concat({narrow(q_BHTK, 3, 0, plain_size_), turned(narrow(q_BHTK, 3, plain_size_, turned_size_), angles)}, 3);
}

// In place of keys [B, 1, T, latent size], in place of values [B, 1, T, turned size].
KeysValues Attention::latents(const Tensor& x_BTD, const nn::RotaryAngles& angles) const {
  const Tensor both = kv_a_proj_with_mqa(x_BTD);
  return {unsqueeze(kv_a_layernorm(narrow(both, 2, 0, latent_size_)), 1),
          turned(unsqueeze(narrow(both, 2, latent_size_, turned_size_), 1), angles)};
}

KeysValues Attention::expanded(const KeysValues& latents) const {
  const Tensor both = nn::split_heads(kv_b_proj(squeeze(decode(latents.keys), 1)), heads_);
  const Shape& s = both.shape();
  const Tensor shared = expand(decode(latents.values), {s[0], heads_, s[2], turned_size_});
  return {concat({narrow(both, 3, 0, plain_size_), shared}, 3), narrow(both, 3, plain_size_, s[3] - plain_size_)};
}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  const KeysValues all =
      nn::keys_values(context.attention, layer_, x_BTD, [&](const Tensor& x) { return latents(x, context.angles); });
  const Tensor q_BHTK = queries(x_BTD, context.angles);
  return o_proj(nn::merge_heads(nn::attend(q_BHTK, expanded(all), context.attention, {.scale = scale_})));
}

Gate::Gate(const DeepseekV3Config& c)
    : weight(parameter({c.n_routed_experts, c.hidden_size})),
      e_score_correction_bias(parameter({c.n_routed_experts})),
      groups(c.n_group),
      best_groups(c.topk_group),
      experts_per_token(c.num_experts_per_tok),
      normalise(c.norm_topk_prob),
      scaling_factor(c.routed_scaling_factor) {}

// The scores with -infinity outside the best groups, by the sum of the two best of each.
Tensor Gate::without_other_groups(const Tensor& scores_NE) const {
  const int64_t tokens = scores_NE.size(0), size = scores_NE.size(1) / groups;
  const Tensor scores_NGE = reshape(scores_NE, {tokens, groups, size});
  const Tensor best = topk(sum(topk(scores_NGE, 2).values, {-1}), best_groups).indices;
  const Tensor chosen = scatter(Tensor::zeros({tokens, groups}, scores_NE.dtype()), 1, best, 1.0);
  const Tensor never = Tensor::full({}, -std::numeric_limits<double>::infinity(), scores_NE.dtype());
  return reshape(where(expand(unsqueeze(chosen, 2) > 0.0, {tokens, groups, size}), scores_NGE, never),
                 scores_NE.shape());
}

nn::Routing Gate::operator()(const Tensor& x_ND) const {
  const Tensor scores_NE = sigmoid(linear(widen(x_ND), widen(weight)));
  const Tensor experts =
      topk(without_other_groups(scores_NE + cast(e_score_correction_bias, scores_NE.dtype())), experts_per_token)
          .indices;
  Tensor weights = gather(scores_NE, 1, experts);
  if (normalise) weights = weights / (sum(weights, {-1}, true) + 1e-20);
  return {experts, weights * scaling_factor};
}

MoE::MoE(const DeepseekV3Config& c)
    : gate(c), shared_experts(c.hidden_size, c.n_shared_experts * c.moe_intermediate_size, c.hidden_act) {
  for (int64_t expert = 0; expert < c.n_routed_experts; ++expert)
    experts.emplace_back(c.hidden_size, c.moe_intermediate_size, c.hidden_act);
}

Tensor MoE::operator()(const Tensor& x_BTD) const {
  const Tensor x_ND = flatten(x_BTD, 0, 1);
  const Tensor mixed =
      nn::mix_experts(x_ND, gate(x_ND), static_cast<int64_t>(experts.size()),
                      [this](int64_t expert, const Tensor& x) { return experts[static_cast<size_t>(expert)](x); });
  return reshape(mixed, x_BTD.shape()) + shared_experts(x_BTD);
}

MLP::MLP(const DeepseekV3Config& c, int64_t layer) {
  if (layer < c.first_k_dense_replace) {
    dense.emplace(c.hidden_size, c.intermediate_size, c.hidden_act);
  } else {
    sparse.emplace(c);
  }
}

WeightMap DeepseekV3Model::weight_map() const {
  WeightMap map = RotaryDecoder::weight_map();
  for (int64_t layer = 0; layer < config().num_nextn_predict_layers; ++layer)
    map.ignored.push_back(fmt::format("*layers.{}.*", config().num_hidden_layers + layer));
  map.always_float32 = {"*e_score_correction_bias"};
  map.stacked = nn::stacked_experts();
  return map;
}

}  // namespace imago::deepseek_v3

REGISTER_MODELS(deepseek_v3, DeepseekV3Model, DeepseekV3ForCausalLM, DeepseekV3ForSequenceClassification,
                DeepseekV3ForTokenClassification)
