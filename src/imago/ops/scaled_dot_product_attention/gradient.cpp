// The gradient of attention. Scores are computed again, since storing them is what attention without a matrix avoids;
// where many are needed it goes through the batch one example at a time.
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scaled_dot_product_attention/score_matrix.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago {
namespace {

using Op = op::ScaledDotProductAttention;

enum Input { kQuery, kKey, kValue, kKeyPadding, kBias, kSinks, kNumInputs };

// With weights w, the gradient h = g v^T of w becomes that of the scores as w (h - w . h). (w . h is also g . output,
// but the output was rounded, and the difference cancels: summing what is at hand loses fewer digits.)
Tensors gradients(const Op& op, std::span<const Tensor> in, const Tensor& grad, const std::vector<bool>& needs) {
  const Tensor query = widen(in[kQuery]), key = widen(in[kKey]), value = widen(in[kValue]), g = widen(grad);
  const int64_t groups = key.size(1);
  const Tensor w = attention_weights(op, query, key, in[kKeyPadding], in[kBias], in[kSinks]);
  const Tensor stacked_g = stack_heads(g, groups);
  const Tensor h = reshape(matmul(stacked_g, transpose(value, -1, -2)), w.shape());
  const Tensor w_dot_h = sum(w * h, {-1}, true);
  Tensors grads(kNumInputs);
  if (needs[kValue]) grads[kValue] = matmul(transpose(stack_heads(w, groups), -1, -2), stacked_g);
  Tensor scores_grad = w * (h - w_dot_h);
  if (needs[kBias]) grads[kBias] = sum_to(scores_grad, in[kBias].shape());
  if (needs[kSinks]) grads[kSinks] = -sum((1 - sum(w, {-1}, true)) * w_dot_h, {0, 2, 3});
  if (op.softcap > 0) {
    scores_grad = scores_grad * (1 - square(attention_scores(op, query, key) / op.softcap));
  }
  scores_grad = stack_heads(scores_grad * op.scale, groups);
  if (needs[kQuery]) grads[kQuery] = reshape(matmul(scores_grad, key), query.shape());
  if (needs[kKey]) grads[kKey] = matmul(transpose(scores_grad, -1, -2), stack_heads(query, groups));
  return grads;
}

// One example of what has a batch dimension; what is shared by all stays.
Tensor example(const Tensor& x, int64_t index, int64_t batch) {
  const bool has_batch = x.defined() && x.dim() == 4 && x.size(0) == batch;
  return has_batch ? narrow(x, 0, index, 1) : x;
}

Tensors gradients_by_example(const Op& op, const Backward& b) {
  const int64_t batch = b.input(kQuery).size(0);
  std::vector<Tensors> parts(kNumInputs);
  for (int64_t i = 0; i < batch; ++i) {
    Tensors in;
    for (const Tensor& x : b.inputs) in.push_back(example(x, i, batch));
    if (in[kKeyPadding].defined()) in[kKeyPadding] = narrow(in[kKeyPadding], 0, i, 1);
    const Tensors grads = gradients(op, in, example(b.grad(), i, batch), b.needs);
    for (size_t n = 0; n < grads.size(); ++n) {
      if (!grads[n].defined()) continue;
      const bool shared = in[n].is_same(b.inputs[n]);
      if (shared && !parts[n].empty()) {
        parts[n][0] = parts[n][0] + grads[n];
      } else {
        parts[n].push_back(grads[n]);
      }
    }
  }
  Tensors result(kNumInputs);
  for (size_t n = 0; n < parts.size(); ++n) {
    if (!parts[n].empty()) result[n] = concat(parts[n], 0);
  }
  return result;
}

}  // namespace

Tensors attention_gradients(const Op& op, const Backward& b, int64_t most_scores) {
  const Tensor& query = b.input(kQuery);
  const int64_t scores = query.size(0) * query.size(1) * query.size(2) * b.input(kKey).size(2);
  Tensors grads = query.size(0) > 1 && scores > most_scores ? gradients_by_example(op, b)
                                                            : gradients(op, b.inputs, b.grad(), b.needs);
  for (size_t n = 0; n < grads.size(); ++n) {
    if (grads[n].defined()) grads[n] = cast(grads[n], b.inputs[n].dtype());
  }
  return grads;
}

// 16 MiB of float, of which some six are alive together.
Tensors Op::vjp(const Backward& b) const { return attention_gradients(*this, b, int64_t{1} << 22); }

}  // namespace imago
