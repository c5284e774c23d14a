#include "imago/nn/packed_attention.h"

#include "imago/ops/linear/linear.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

PackedAttention::PackedAttention(int64_t hidden_size, int64_t head_count)
    : in_proj_weight(parameter({3 * hidden_size, hidden_size})),
      in_proj_bias(parameter({3 * hidden_size})),
      out_proj(hidden_size, hidden_size),
      heads(head_count) {}

Tensor PackedAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const AttentionContext& context) const {
  const int64_t size = in_proj_weight.size(1);
  const auto projected = [&](int64_t part, const Tensor& x) {
    const Tensor weight = narrow(in_proj_weight, 0, part * size, size),
                 bias = narrow(in_proj_bias, 0, part * size, size);
    return split_heads(linear(x, weight, bias), heads);
  };
  const KeysValues all{projected(1, key), projected(2, value)};
  return out_proj(merge_heads(attend(projected(0, query), all, context)));
}

}  // namespace imago::nn
