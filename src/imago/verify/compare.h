// How far a tensor is from the truth, and whether that is near enough.
#pragma once

#include <string>

#include "imago/tensor/tensor.h"

namespace imago {

struct TensorCheck {
  std::string name;
  // max|x - f64| / rms(f64), of ours and of the reference's own.
  double ours = 0, reference = 0;
  double allowed = 0;  // 2 * reference + 4 epsilon of the dtype
  bool passed = false;
  std::string note;  // what is wrong, where numbers do not say it: "shape [2, 3], expected [2, 4]"
};

TensorCheck compare_floating(const std::string& name, const Tensor& ours, const Tensor& reference, const Tensor& truth,
                             DType dtype);

// Integers (token ids, labels) must be equal.
TensorCheck compare_exactly(const std::string& name, const Tensor& ours, const Tensor& reference);

}  // namespace imago
