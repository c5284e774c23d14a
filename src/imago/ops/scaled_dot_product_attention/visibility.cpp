#include "imago/ops/scaled_dot_product_attention/visibility.h"

#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"

namespace imago {

Tensor visible_keys(const op::ScaledDotProductAttention& op, int64_t queries, int64_t keys, Device device) {
  if (!op.causal && !op.window) return {};
  const auto positions = [&](int64_t begin, int64_t count) {
    return Tensor::arange(static_cast<double>(begin), static_cast<double>(begin + count), 1, DType::i64, device);
  };
  const Tensor p = unsqueeze(positions(op.query_offset, queries), 1), j = unsqueeze(positions(0, keys), 0);
  Tensor visible;
  if (op.causal) visible = le(j, p);
  if (op.window) {
    const auto window = static_cast<double>(*op.window);
    const Tensor in_reach = gt(j, p - window);
    visible = op.causal ? logical_and(visible, in_reach) : logical_and(in_reach, lt(j, p + window));
  }
  return op.prefix > 0 ? logical_or(visible, lt(j, static_cast<double>(op.prefix))) : visible;
}

}  // namespace imago
