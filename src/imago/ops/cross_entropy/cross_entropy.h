#pragma once

#include <string>

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// Per row of logits [rows, classes]: -log softmax(logits)[target], smoothed; 0 where the target is ignore_index.
struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";
  int64_t ignore_index;
  double label_smoothing;
  bool in_float = false;  // whether losses of half types are float
  FIELDS(ignore_index, label_smoothing, in_float)
  TensorSpec check(const Tensor& logits, const Tensor& target) const;
  Tensor decompose(const Tensor& logits, const Tensor& target) const;
  Tensors vjp(const Backward& b) const;
};

// The gradient of the logits, from the gradient of each row's loss [rows], which is float where those are.
struct CrossEntropyGrad {
  static constexpr const char* name = "cross_entropy_grad";
  int64_t ignore_index;
  double label_smoothing;
  bool in_float = false;
  FIELDS(ignore_index, label_smoothing, in_float)
  TensorSpec check(const Tensor& logits, const Tensor& target, const Tensor& grad) const;
  Tensor decompose(const Tensor& logits, const Tensor& target, const Tensor& grad) const;
};

}  // namespace op

struct CrossEntropyOptions {
  int64_t ignore_index = -100;     // targets of this value have no loss and do not count in the mean
  double label_smoothing = 0;      // the share of the target that is spread over all classes
  std::string reduction = "mean";  // or "sum", or "none"
  // Losses of half types in float, to the bit as if the logits had been widened, which would take memory twice.
  bool in_float = false;
};

// torch.nn.functional.cross_entropy with class indices: logits [rows, classes] or [batch, classes, ...] and target
// [rows] or [batch, ...] (int64 or int32). The loss has the dtype of the logits, or see
// in_float; the mean over no target is NaN.
// Probabilities are not stored. Throws Error kInvalidArgument where a target is neither a class nor ignore_index.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, const CrossEntropyOptions& options = {});

}  // namespace imago
