#include "imago/nn/auto_correlation.h"

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/pooling/pooling.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/roll/roll.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/topk/topk.h"

namespace imago::nn {
namespace {

// The product of q, `delay` steps on, with k, around the end: [B, H, T, K], with a row for each delay.
Tensor correlations(const Tensor& q_BHTK, const Tensor& k_BHTK) {
  Tensors delays;
  for (int64_t delay = 0; delay < q_BHTK.size(2); ++delay)
    delays.push_back(sum(roll(q_BHTK, {-delay}, {2}) * k_BHTK, {2}));
  return stack(delays, 2);
}

// The `count` delays of the largest correlations [B, T], [B, count]; in training one choice serves the batch.
Tensor best_delays(const Tensor& correlations_BT, int64_t count) {
  if (training_generator() == nullptr) return topk(correlations_BT, count).indices;
  return expand(topk(mean(correlations_BT, {0}, true), count).indices, {correlations_BT.size(0), count});
}

// Values from `delays` [B, N] later, weighted by [B, N]: [B, H, T, K]. Of all heads of all rows, one after the other,
// number i takes the delays of row i mod B, as the reference has it, and not those of its own row.
Tensor rolled(const Tensor& v_BHTK, const Tensor& delays_BN, const Tensor& weights_BN) {
  const Shape& s = v_BHTK.shape();
  std::vector<int64_t> row_of;
  for (int64_t i = 0; i < s[0] * s[1]; ++i) row_of.push_back(i % s[0]);
  const Tensor weights = index_select(weights_BN, 0, Tensor::from(row_of));
  const std::vector<int64_t> delays = delays_BN.to_vector<int64_t>();
  Tensor out = Tensor::zeros(s, v_BHTK.dtype());
  for (int64_t n = 0, count = delays_BN.size(1); n < count; ++n) {
    std::vector<int64_t> from;
    for (const int64_t row : row_of) {
      for (int64_t step = 0; step < s[2]; ++step)
        from.push_back((step + delays[static_cast<size_t>(row * count + n)]) % s[2]);
    }
    const Tensor places = expand(Tensor::from(from, {s[0], s[1], s[2], 1}), s);
    out = out + gather(v_BHTK, 2, places) * reshape(select(weights, 1, n), {s[0], s[1], 1, 1});
  }
  return out;
}

}  // namespace

Decomposed decompose_series(const Tensor& x_BTD, int64_t width) {
  const int64_t beyond = (width - 1) / 2;
  Tensors parts(static_cast<size_t>(beyond), narrow(x_BTD, 1, 0, 1));
  parts.push_back(x_BTD);
  parts.insert(parts.end(), static_cast<size_t>(beyond), narrow(x_BTD, 1, x_BTD.size(1) - 1, 1));
  const Tensor trend = transpose(avg_pool(transpose(concat(parts, 1), 1, 2), {width}, {1}), 1, 2);
  return {x_BTD - trend, trend};
}

AutoCorrelation::AutoCorrelation(int64_t hidden_size, int64_t head_count, int64_t delay_factor)
    : MultiHeadAttention({.hidden_size = hidden_size, .heads = head_count}), factor(delay_factor) {}

Tensor AutoCorrelation::operator()(const Tensor& x_BTD, const Tensor& source, Tensors* weights) const {
  const int64_t steps = x_BTD.size(1), known = source.size(1);
  Tensor q = split_heads(query(x_BTD), heads), k = split_heads(key(source), heads);
  Tensor v = split_heads(value(source), heads);
  if (steps > known) {  // so does the reference: queries as many as keys are missing, and zeros behind all
    q = pad(narrow(q, 2, 0, steps - known), {0, 0, 0, known});
    k = pad(k, {0, 0, 0, steps - known});
    v = pad(v, {0, 0, 0, steps - known});
  } else {
    k = narrow(k, 2, 0, steps);
    v = narrow(v, 2, 0, steps);
  }
  const Tensor correlations_BHTK = correlations(q, k);
  if (weights != nullptr) weights->push_back(correlations_BHTK);
  const auto count = static_cast<int64_t>(static_cast<double>(factor) * std::log(static_cast<double>(steps)));
  if (count > steps) {
    throw Error(ErrorKind::kInvalidArgument, path, "autocorrelation_factor asks for more delays than there are steps");
  }
  const Tensor strength_BT = mean(correlations_BHTK, {1, 3});
  const Tensor delays_BN = best_delays(strength_BT.detach(), count);
  return output(merge_heads(rolled(v, delays_BN, softmax(gather(strength_BT, 1, delays_BN), -1))));
}

}  // namespace imago::nn
