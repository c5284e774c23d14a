#include "imago/nn/heads/language_model.h"

#include "imago/nn/heads/pooling.h"
#include "imago/nn/losses.h"

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

LogitsOutput causal_lm(const TextModel& base, const HeadFunction& head, const TextInputs& in) {
  BaseModelOutput below = base.forward(in);
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
