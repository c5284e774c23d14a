#pragma once

#include "imago/ops/apply.h"

namespace imago {

// Sum over the dimensions listed (all of them where the list is empty).
Tensor sum(const Tensor& x, const Shape& dims = {}, bool keepdim = false);

}  // namespace imago
