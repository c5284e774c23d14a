// How much a model has to read and to compute, whatever its architecture.
#pragma once

#include <cstdint>

#include "imago/ops/apply.h"

namespace imago {

// Counts, while it is alive, what the operations applied on this thread cannot do without: the bytes of weights, keys
// and values, and the multiplications and additions of matrix products and attention.
class WorkCounter final : public ApplyObserver {
 public:
  void before(const OpInfo& info, const void* op, std::span<const Tensor> inputs) override;

  int64_t bytes = 0;
  double operations = 0;
};

}  // namespace imago
