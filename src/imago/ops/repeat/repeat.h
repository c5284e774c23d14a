#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

struct Repeat {
  static constexpr const char* name = "repeat";
  Shape repeats;
  FIELDS(repeats)
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
};

struct RepeatInterleave {
  static constexpr const char* name = "repeat_interleave";
  int64_t repeats, dim;
  FIELDS(repeats, dim)
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
};

}  // namespace op

// The whole tensor repeats[d] times along each dimension; there may be more repeats than dimensions, which puts new
// ones in front.
Tensor repeat(const Tensor& x, const Shape& repeats);

// Each element `repeats` times behind each other along `dim`, or element i repeats[i] times.
Tensor repeat_interleave(const Tensor& x, int64_t repeats, int64_t dim);
Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, int64_t dim);

}  // namespace imago
