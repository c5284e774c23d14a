#include "imago/nn/alibi.h"

#include <cmath>
#include <vector>

#include "imago/ops/cast/cast.h"
#include "imago/ops/cumulative/cumulative.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::nn {
namespace {

Tensor unpadded_positions(const Tensor& attention_mask, int64_t keys) {
  if (!attention_mask) return Tensor::arange(0, static_cast<double>(keys));
  const Tensor tokens = cast(attention_mask, DType::i64);
  return (cumsum(tokens, -1) - 1.0) * tokens;
}

}  // namespace

Tensor alibi_slopes(int64_t heads, DType dtype) {
  int64_t power = 1;
  while (2 * power <= heads) power *= 2;
  std::vector<double> slopes;
  for (int64_t head = 0; head < heads; ++head) {
    const auto n = static_cast<double>(power);
    const double exponent = head < power ? -8.0 * static_cast<double>(head + 1) / n
                                         : -4.0 * static_cast<double>(2 * (head - power) + 1) / n;
    slopes.push_back(std::exp2(exponent));
  }
  return cast(Tensor::from(slopes), dtype);
}

Tensor alibi_bias(const Tensor& slopes, const Tensor& attention_mask, int64_t keys) {
  const Tensor positions = cast(unpadded_positions(attention_mask, keys), slopes.dtype());
  return reshape(slopes, {1, slopes.size(0), 1, 1}) * reshape(positions, {-1, 1, 1, keys});
}

void tell_distances(AttentionContext& context, const TextInputs& inputs, const Tensor& x_BTD, int64_t heads,
                    DType slopes) {
  const int64_t past = inputs.past_key_values != nullptr ? inputs.past_key_values->length() : 0;
  const Tensor bias = alibi_bias(alibi_slopes(heads, slopes), inputs.attention_mask, past + x_BTD.size(1));
  context.mask.bias = cast(bias, x_BTD.dtype());
  if (context.mask.key_padding) context.implementation = AttentionImplementation::kEager;
}

}  // namespace imago::nn
