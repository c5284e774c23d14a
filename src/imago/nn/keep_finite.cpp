#include "imago/nn/keep_finite.h"

#include <limits>

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

double lowest(DType dtype) {
  switch (dtype) {
    case DType::f64: return std::numeric_limits<double>::lowest();
    case DType::f16: return -65504;
    case DType::bf16: return -0x1.fep127;
    default: return std::numeric_limits<float>::lowest();
  }
}

}  // namespace imago::nn
