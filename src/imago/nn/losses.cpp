#include "imago/nn/losses.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/binary_cross_entropy.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/cross_entropy/cross_entropy.h"
#include "imago/ops/operators.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

Tensor exact(const Tensor& x) { return x.dtype() == DType::f64 ? x : cast(x, DType::f32); }

Tensor mean_squared_error(const Tensor& a, const Tensor& b) { return mean(square(a - cast(b, a.dtype()))); }

}  // namespace

Tensor causal_lm_loss(const Tensor& logits, const Tensor& labels) {
  if (!labels) return {};
  return token_loss(logits, next_token_labels(labels));
}

Tensor next_token_labels(const Tensor& labels) {
  return narrow(pad(labels, {0, 1}, kIgnoredLabel), -1, 1, labels.size(-1));
}

Tensor token_loss_sum(const Tensor& logits, const Tensor& labels) {
  return cross_entropy(reshape(logits, {-1, logits.size(-1)}), reshape(labels, {-1}),
                       {.ignore_index = kIgnoredLabel, .reduction = "sum", .in_float = true});
}

Tensor token_loss(const Tensor& logits, const Tensor& labels) {
  if (!labels) return {};
  return cross_entropy(reshape(logits, {-1, logits.size(-1)}), reshape(labels, {-1}),
                       {.ignore_index = kIgnoredLabel, .in_float = true});
}

Tensor binary_token_loss(const Tensor& logits, const Tensor& labels, const Tensor& attention_mask) {
  if (!labels) return {};
  const Tensor losses = binary_cross_entropy_with_logits(exact(logits), labels);
  if (!attention_mask) return mean(losses);
  const Tensor counts = cast(eq(attention_mask, 1), losses.dtype());
  return sum(losses * counts) / sum(counts);
}

Tensor sequence_classification_loss(const Tensor& logits, const Tensor& labels, const Config& config) {
  if (!labels) return {};
  std::string type = config.problem_type.value_or("");
  if (type.empty()) {
    if (config.num_labels() == 1) {
      type = "regression";
    } else {
      type = is_integral(labels.dtype()) ? "single_label_classification" : "multi_label_classification";
    }
  }
  if (type == "regression") return mean_squared_error(reshape(logits, labels.shape()), labels);
  if (type == "single_label_classification")
    return cross_entropy(logits, reshape(labels, {-1}), {.ignore_index = kIgnoredLabel});
  if (type == "multi_label_classification") return mean(binary_cross_entropy_with_logits(logits, labels));
  throw Error(ErrorKind::kUnsupported, "loss", fmt::format("problem_type \"{}\"", type),
              "use regression, single_label_classification or multi_label_classification");
}

Tensor question_answering_loss(const Tensor& start_logits, const Tensor& end_logits, const TextInputs& inputs) {
  if (!inputs.start_positions || !inputs.end_positions) return {};
  const int64_t tokens = start_logits.size(1);
  const auto side = [&](const Tensor& logits, const Tensor& positions) {
    const Tensor clamped = clamp(reshape(positions, {-1}), 0.0, static_cast<double>(tokens));
    return cross_entropy(logits, clamped, {.ignore_index = tokens});
  };
  return (side(start_logits, inputs.start_positions) + side(end_logits, inputs.end_positions)) / 2;
}

}  // namespace imago::nn
