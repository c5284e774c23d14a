// The losses that the reference's heads compute from labels. Logits of half types are taken in float32. Each gives an
// undefined tensor where there are no labels.
#pragma once

#include "imago/nn/model.h"

namespace imago::nn {

inline constexpr int64_t kIgnoredLabel = -100;

// Token n is predicted from tokens before it. logits [B, T, V], labels [B, T] with -100 where nothing counts.
Tensor causal_lm_loss(const Tensor& logits, const Tensor& labels);
// Cross entropy at every position with a label. logits [..., classes], labels [...]
Tensor token_loss(const Tensor& logits, const Tensor& labels);
// The sum of the same, rather than the mean.
Tensor token_loss_sum(const Tensor& logits, const Tensor& labels);
// The labels of a causal model moved to where they are predicted: of token n that of n + 1, of the last kIgnoredLabel.
Tensor next_token_labels(const Tensor& labels);
// Binary cross entropy at every token that is no padding. logits and labels [B, T], attention_mask [B, T] or undefined.
Tensor binary_token_loss(const Tensor& logits, const Tensor& labels, const Tensor& attention_mask);
// By the configuration's problem_type: mean squared error, cross entropy, or binary cross entropy per label. Where it
// is not set, one label means regression, integer labels classes, others several labels at once.
Tensor sequence_classification_loss(const Tensor& logits, const Tensor& labels, const Config& config);
// The mean of both ends' cross entropies; a position outside the tokens does not count.
Tensor question_answering_loss(const Tensor& start_logits, const Tensor& end_logits, const TextInputs& inputs);

}  // namespace imago::nn
