#include "imago/nn/expert_balance.h"

#include <utility>

#include "imago/ops/cast/cast.h"
#include "imago/ops/one_hot/one_hot.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/topk/topk.h"

namespace imago::nn {
namespace {

thread_local RouterLogits* innermost = nullptr;

}  // namespace

RouterLogits::RouterLogits(bool enabled) : enabled_(enabled), previous_(std::exchange(innermost, this)) {}

RouterLogits::~RouterLogits() { innermost = previous_; }

void RouterLogits::record(const Tensor& logits_NE) {
  if (innermost != nullptr && innermost->enabled_) innermost->layers_.push_back(logits_NE);
}

Tensor expert_balance_loss(const Tensors& router_logits, const ExpertBalance& balance, const Tensor& attention_mask) {
  Tensor choices_E, probabilities_E, tokens;
  const auto accumulate = [](Tensor& total, const Tensor& more) { total = total ? total + more : more; };
  for (const Tensor& logits_NE : router_logits) {
    const Tensor p_NE = softmax(logits_NE, -1), wide_NE = widen(p_NE);
    const Tensor chosen =
        one_hot(topk(p_NE.detach(), balance.experts_per_token).indices, balance.experts);  // [N, k, E]
    const Tensor counts_NE = cast(sum(chosen, {1}), wide_NE.dtype());
    const Tensor mask_N1 = attention_mask ? reshape(cast(attention_mask, wide_NE.dtype()), {-1, 1})
                                          : Tensor::full({wide_NE.size(0), 1}, 1.0, wide_NE.dtype());
    accumulate(choices_E, sum(counts_NE * mask_N1, {0}));
    accumulate(probabilities_E, sum(wide_NE * mask_N1, {0}));
    accumulate(tokens, sum(mask_N1));
  }
  return sum(choices_E / tokens * (probabilities_E / tokens)) * static_cast<double>(balance.experts);
}

LogitsOutput with_balance_loss(LogitsOutput out, const Tensors& router_logits, const ExpertBalance& balance,
                               const Tensor& attention_mask) {
  if (router_logits.empty() || !out.loss) return out;
  const Tensor loss = expert_balance_loss(router_logits, balance, attention_mask);
  out.loss = out.loss + cast(loss, out.loss.dtype()) * balance.coefficient;
  return out;
}

}  // namespace imago::nn
