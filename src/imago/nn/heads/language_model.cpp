#include "imago/nn/heads/language_model.h"

#include <algorithm>

#include "imago/autograd/rematerialize.h"
#include "imago/nn/heads/pooling.h"
#include "imago/nn/losses.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/op_node.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

TransformedScores::TransformedScores(int64_t hidden_size, int64_t size, int64_t vocab_size,
                                     std::string_view activation_name, double eps, bool is_tied)
    : dense(hidden_size, size),
      decoder(size, vocab_size),
      norm(size, eps),
      bias(parameter({vocab_size})),
      activation(nn::activation(activation_name)),
      tied(is_tied) {}

Ties TransformedScores::ties(const std::string& name, const std::string& embeddings) const {
  if (!tied) return {};
  return {{name + ".decoder.weight", embeddings}, {name + ".decoder.bias", name + ".bias"}};
}

namespace {

// The mean loss, with the scores of `chunk` tokens at a time, which backward computes again: scores of all would often
// be the largest tensor of a training step.
Tensor loss_in_chunks(const Tensor& x_BTD, const HeadFunction& head, const Tensor& labels, int64_t chunk) {
  const Tensor shifted = reshape(next_token_labels(labels), {-1});
  const Tensor x_ND = reshape(x_BTD, {-1, x_BTD.size(-1)});
  const KeepValues keep;
  Tensor total;
  for (int64_t start = 0; start < x_ND.size(0); start += chunk) {
    const int64_t count = std::min(chunk, x_ND.size(0) - start);
    const Tensor x = narrow(x_ND, 0, start, count);
    const Tensor loss = token_loss_sum(squeeze(head(unsqueeze(x, 0)), 0), narrow(shifted, 0, start, count));
    if (loss.requires_grad()) free_activations({loss}, {x});
    total = total ? total + loss : loss;
  }
  return total / cast(sum(ne(shifted, kIgnoredLabel)), total.dtype());
}

}  // namespace

LogitsOutput causal_lm(const TextModel& base, const HeadFunction& head, const TextInputs& in) {
  BaseModelOutput below = base.forward(in);
  if (in.loss_chunk > 0 && in.labels) {
    Tensor loss = loss_in_chunks(below.last_hidden_state, head, in.labels, in.loss_chunk);
    return logits_output({}, std::move(loss), std::move(below));
  }
  Tensor logits = head(keep_last(below.last_hidden_state, in.logits_to_keep));
  Tensor loss = causal_lm_loss(logits, in.labels);
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

LogitsOutput predict_tokens(const TextModel& base, const HeadFunction& head, const TextInputs& in) {
  BaseModelOutput below = base.forward(in);
  Tensor logits = head(below.last_hidden_state);
  Tensor loss = token_loss(logits, in.labels);
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

}  // namespace imago::nn
