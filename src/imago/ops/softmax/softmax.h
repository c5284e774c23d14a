#pragma once

#include <optional>

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Softmax {
  static constexpr const char* name = "softmax";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

struct LogSoftmax {
  static constexpr const char* name = "log_softmax";
  int64_t dim;
  FIELDS(dim)
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// exp(x) / sum(exp(x)) along `dim`; where all of it is -infinity, NaN. Half types are computed in float and rounded
// once. With a dtype, `x` is cast to it first.
Tensor softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});

// x - log(sum(exp(x))) along `dim`.
Tensor log_softmax(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});

}  // namespace imago
