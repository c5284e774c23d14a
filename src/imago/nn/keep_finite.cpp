#include "imago/nn/keep_finite.h"

#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {

Tensor keep_finite(const Tensor& x) {
  if (x.dtype() != DType::f16 || x.is_meta()) return x;
  const double limit = any(isinf(x)).item<bool>() ? 64504 : 65504;
  return clamp(x, -limit, limit);
}

Tensor add_wider(const Tensor& a, const Tensor& b) {
  const DType dtype = size_of(a.dtype()) >= size_of(b.dtype()) ? a.dtype() : b.dtype();
  return cast(a, dtype) + cast(b, dtype);
}

}  // namespace imago::nn
