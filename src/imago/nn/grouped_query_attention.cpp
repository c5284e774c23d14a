#include "imago/nn/grouped_query_attention.h"

#include "imago/ops/rope/rope.h"

namespace imago::nn {

Tensor rotate(const Tensor& x_BHTK, const RotaryAngles& angles) {
  return rope(x_BHTK, angles.cos, angles.sin, RotaryPairs::kHalves, 2 * angles.cos.size(-1));
}

AttentionContext within(AttentionContext context, std::optional<int64_t> window) {
  context.mask.window = window;
  return context;
}

GroupedQueryProjections::GroupedQueryProjections(const GroupedQueryOptions& o)
    : q_proj(o.hidden_size, o.heads * o.head_size, o.bias),
      k_proj(o.hidden_size, o.key_value_heads * o.head_size, o.bias),
      v_proj(o.hidden_size, o.key_value_heads * o.head_size, o.bias),
      o_proj(o.heads * o.head_size, o.hidden_size, o.output_bias),
      options(o) {}

int64_t GroupedQueryProjections::norm_size(int64_t heads) const {
  return options.norm == QueryKeyNorm::kAllHeads ? heads * options.head_size : options.head_size;
}

Tensor GroupedQueryProjections::attend(const Tensor& x_BTD, const RotaryContext& context, const Normalise& q_norm,
                                       const Normalise& k_norm, const Tensor& sinks) const {
  const auto normalised = [&](const Tensor& projected, int64_t heads, const Normalise& norm) {
    switch (options.norm) {
      case QueryKeyNorm::kEachHead: return norm(split_heads(projected, heads));
      case QueryKeyNorm::kAllHeads: return split_heads(norm(projected), heads);
      default: return split_heads(projected, heads);
    }
  };
  const auto turned = [&](const Tensor& x_BHTK) { return options.rotary ? rotate(x_BHTK, context.angles) : x_BHTK; };
  const Tensor q_BHTK = turned(normalised(q_proj(x_BTD), options.heads, q_norm));
  const AttentionContext attention = within(context.attention, options.window);
  const KeysValues all = keys_values(attention, options.layer, x_BTD, [&](const Tensor& x) {
    return KeysValues{turned(normalised(k_proj(x), options.key_value_heads, k_norm)),
                      split_heads(v_proj(x), options.key_value_heads)};
  });
  return o_proj(merge_heads(
      nn::attend(q_BHTK, all, attention, {.scale = options.scale, .softcap = options.softcap, .sinks = sinks})));
}

}  // namespace imago::nn
