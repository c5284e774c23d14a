#include "imago/export/divergence.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// log(sum exp) of a row.
double log_sum(const float* logits, int64_t size) {
  const double largest = *std::max_element(logits, logits + size);
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) sum += std::exp(logits[i] - largest);
  return largest + std::log(sum);
}

struct Sums {
  double kl = 0, loss_before = 0, loss_after = 0;
  int64_t agreed = 0, tokens = 0;

  // Logits of one position in both models, and the token that follows.
  void add(const float* p, const float* q, int64_t size, int64_t next) {
    const double p_sum = log_sum(p, size), q_sum = log_sum(q, size);
    for (int64_t i = 0; i < size; ++i) {
      const double log_p = p[i] - p_sum;
      kl += std::exp(log_p) * (log_p - (q[i] - q_sum));
    }
    loss_before += p_sum - p[next];
    loss_after += q_sum - q[next];
    agreed += std::max_element(p, p + size) - p == std::max_element(q, q + size) - q ? 1 : 0;
    ++tokens;
  }
};

Tensor logits_of(const CausalLM& model, const Tensor& input_ids) {
  return contiguous(cast(model.forward({.input_ids = input_ids}).logits, DType::f32));
}

}  // namespace

Divergence compare_on_text(const CausalLM& original, const CausalLM& changed, const std::vector<int64_t>& ids,
                           int64_t window) {
  const auto count = static_cast<int64_t>(ids.size());
  if (count < 2 || window < 2) {
    throw Error(ErrorKind::kInvalidArgument, "compare", fmt::format("{} tokens in windows of {}", count, window),
                "two tokens are the least that one can be predicted in");
  }
  const NoGrad no_grad;
  Sums sums;
  for (int64_t first = 0; first + 1 < count; first += window) {
    const int64_t size = std::min(window, count - first);
    const Tensor input_ids =
        Tensor::from(std::span(ids).subspan(static_cast<size_t>(first), static_cast<size_t>(size)), {1, size});
    const Tensor p = logits_of(original, input_ids), q = logits_of(changed, input_ids);
    const int64_t vocabulary = p.size(-1);
    for (int64_t t = 0; t + 1 < size; ++t) {
      sums.add(p.const_data<float>() + t * vocabulary, q.const_data<float>() + t * vocabulary, vocabulary,
               ids[static_cast<size_t>(first + t + 1)]);
    }
  }
  const auto tokens = static_cast<double>(sums.tokens);
  return {sums.tokens, sums.kl / tokens, static_cast<double>(sums.agreed) / tokens, std::exp(sums.loss_before / tokens),
          std::exp(sums.loss_after / tokens)};
}

}  // namespace imago
