// Weights of linear layers beside which their values lie once more in the order in which matrix products read them: a
// product of 100 rows spends a tenth of its time, one of 50 a quarter, on bringing them into it.
#pragma once

#include <memory>

#include "imago/kernels/cpu/gemm.h"
#include "imago/tensor/tensor.h"

namespace imago {

// What is packed stays alive with this, whatever happens to the weight.
struct PackedWeight {
  kernels::PackedColumns columns;
  std::shared_ptr<const float> owner;
};

// The packed columns of a float32 weight [out, in] that is about to be multiplied by `rows` rows, or none. Only weights
// that never change are packed, which are those of mapped files, and from the second time on, so that what is used once
// costs no memory. It is 1 GiB in all at most; what belongs to weights that are gone is given back when a new one
// comes.
PackedWeight packed_weight(const Tensor& weight, int64_t rows);

}  // namespace imago
