#include "imago/cli/work_counter.h"

#include <string_view>

#include "imago/ops/linear/linear.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

namespace imago {

void WorkCounter::before(const OpInfo& info, const void* op, std::span<const Tensor> inputs) {
  const std::string_view name = info.name;
  if (name == op::Linear::name) {
    bytes += inputs[1].nbytes();
    operations += 2.0 * static_cast<double>(inputs[0].numel()) * static_cast<double>(inputs[1].size(0));
  } else if (name == op::MatMul::name) {
    bytes += inputs[1].nbytes();
    operations += 2.0 * static_cast<double>(inputs[0].numel()) * static_cast<double>(inputs[1].size(-1));
  } else if (name == op::ScaledDotProductAttention::name) {
    const auto& attention = *static_cast<const op::ScaledDotProductAttention*>(op);
    const Tensor &query = inputs[0], &key = inputs[1], &value = inputs[2];
    bytes += key.nbytes() + value.nbytes();
    // A causal mask hides half of the square in which queries meet their own keys.
    const double queries = static_cast<double>(query.size(2)), keys = static_cast<double>(key.size(2));
    const double pairs = attention.causal ? queries * (keys - (queries - 1) / 2) : queries * keys;
    operations += 2 * pairs * static_cast<double>(query.size(0) * query.size(1) * (query.size(3) + value.size(3)));
  }
}

}  // namespace imago
