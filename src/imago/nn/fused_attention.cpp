#include "imago/nn/fused_attention.h"

#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

FusedAttention::FusedAttention(const FusedAttentionOptions& o)
    : query_key_value(o.hidden_size, o.hidden_size + 2 * o.groups.value_or(o.heads) * (o.hidden_size / o.heads),
                      o.bias),
      dense(o.hidden_size, o.hidden_size, o.bias),
      heads(o.heads),
      groups(o.groups.value_or(o.heads)),
      layer(o.layer) {}

Tensor FusedAttention::operator()(const Tensor& x_BTD, const RotaryContext& context) const {
  const int64_t batch = x_BTD.size(0), tokens = x_BTD.size(1), size = x_BTD.size(2) / heads, queries = heads / groups;
  const Tensor fused = reshape(query_key_value(x_BTD), {batch, tokens, groups, queries + 2, size});
  const auto turned = [&](const Tensor& x_BTHK) {
    const Tensor x_BHTK = transpose(x_BTHK, 1, 2);
    return context.angles.cos ? rotate(x_BHTK, context.angles) : x_BHTK;
  };
  const Tensor q_BTHK =
      queries == 1 ? select(fused, 3, 0) : reshape(narrow(fused, 3, 0, queries), {batch, tokens, heads, size});
  const KeysValues all = keys_values(context.attention, layer, x_BTD, [&](const Tensor&) {
    return KeysValues{turned(select(fused, 3, queries)), transpose(select(fused, 3, queries + 1), 1, 2)};
  });
  return dense(merge_heads(attend(turned(q_BTHK), all, context.attention)));
}

}  // namespace imago::nn
