#include "imago/nn/multi_head_attention.h"

namespace imago::nn {
namespace {

int64_t width(const MultiHeadOptions& o) { return o.heads * o.head_size.value_or(o.hidden_size / o.heads); }

}  // namespace

Projections::Projections(const MultiHeadOptions& o)
    : query(o.hidden_size, width(o), o.bias),
      key(o.hidden_size, width(o), o.bias),
      value(o.hidden_size, width(o), o.bias),
      output(width(o), o.hidden_size, o.bias),
      heads(o.heads),
      layer(o.layer),
      scale(o.scale) {}

Tensor Projections::operator()(const Tensor& x_BTD, const AttentionContext& context) const {
  const Tensor q_BHTK = split_heads(query(x_BTD), heads);
  const KeysValues all = keys_values(context, layer, x_BTD, [&](const Tensor& y) {
    return KeysValues{split_heads(key(y), heads), split_heads(value(y), heads)};
  });
  return output(merge_heads(attend(q_BHTK, all, context, {.scale = scale})));
}

}  // namespace imago::nn
