// Self attention with rotary positions, in which several query heads may share a key/value head (Ainslie et al. 2023,
// "GQA: Training Generalized Multi-Query Transformer Models"). B batch, T tokens, D hidden, H heads, K head size.
#pragma once

#include "imago/nn/attention.h"
#include "imago/nn/layers.h"
#include "imago/nn/rotary.h"

namespace imago::nn {

// What every layer of a decoder with rotary positions gets beside its input.
struct RotaryContext {
  RotaryAngles angles;
  AttentionContext attention;
};

// Queries or keys turned by their positions: the first channels of each head, as many as there are angles for.
Tensor rotate(const Tensor& x_BHTK, const RotaryAngles& angles);

// The same context, in which a query sees only its own and the `window - 1` positions before it; all where absent.
AttentionContext within(AttentionContext context, std::optional<int64_t> window);

enum class QueryKeyNorm {
  kNone,
  kEachHead,  // over the K channels of a head, as in Qwen3
  kAllHeads,  // over the H * K channels of all heads together, as in OLMo 2
};

struct GroupedQueryOptions {
  int64_t hidden_size = 0, heads = 0, key_value_heads = 0, head_size = 0;
  int64_t layer = 0;         // whose keys and values the cache keeps
  bool bias = false;         // of queries, keys and values
  bool output_bias = false;  // of the output
  bool rotary = true;        // whether positions are told at all
  std::optional<int64_t> window;
  std::optional<double> scale;  // 1 / sqrt(head_size) where absent
  double softcap = 0;           // see AttentionOptions
  QueryKeyNorm norm = QueryKeyNorm::kNone;
  double norm_eps = 1e-6;
};

struct GroupedQueryProjections : Module {
  Linear q_proj, k_proj, v_proj, o_proj;
  GroupedQueryOptions options;

  explicit GroupedQueryProjections(const GroupedQueryOptions& o);

 protected:
  using Normalise = std::function<Tensor(const Tensor&)>;
  // `sinks` [H] may be undefined: see AttentionOptions.
  Tensor attend(const Tensor& x_BTD, const RotaryContext& context, const Normalise& q_norm = {},
                const Normalise& k_norm = {}, const Tensor& sinks = {}) const;
  // Channels that a norm of that many heads goes over; 0 for none.
  int64_t norm_size(int64_t heads) const;
};

// Norm is the model's RMSNorm, which is there where the options ask for it.
template <class Norm = RMSNorm>
struct GroupedQueryAttention : GroupedQueryProjections {
  Norm q_norm, k_norm;
  FIELDS(q_proj, k_proj, v_proj, o_proj, q_norm, k_norm)

  explicit GroupedQueryAttention(const GroupedQueryOptions& o) : GroupedQueryProjections(o) {
    if (o.norm == QueryKeyNorm::kNone) return;
    q_norm = Norm(norm_size(o.heads), o.norm_eps);
    k_norm = Norm(norm_size(o.key_value_heads), o.norm_eps);
  }
  Tensor operator()(const Tensor& x_BTD, const RotaryContext& context) const {
    return attend(
        x_BTD, context, [this](const Tensor& q) { return q_norm(q); }, [this](const Tensor& k) { return k_norm(k); });
  }
};

}  // namespace imago::nn
