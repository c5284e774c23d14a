#include "imago/nn/binary_cross_entropy.h"

#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets) {
  return relu(logits) - logits * cast(targets, logits.dtype()) + log1p(exp(neg(abs(logits))));
}

}  // namespace imago::nn
