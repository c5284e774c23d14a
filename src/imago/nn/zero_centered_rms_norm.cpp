#include "imago/nn/zero_centered_rms_norm.h"

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/rms_norm/rms_norm.h"

namespace imago::nn {

Tensor ZeroCenteredRMSNorm::operator()(const Tensor& x) const {
  const ErrorScope scope(path);
  return cast(rms_norm(widen(x), widen(weight) + 1.0, eps), x.dtype());
}

}  // namespace imago::nn
