// An attention mask's description turned into a matrix, for implementations that need one.
#pragma once

#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"

namespace imago {

// Whether `op` lets query i see key j by their positions: bool [queries, keys]; undefined where it hides nothing.
Tensor visible_keys(const op::ScaledDotProductAttention& op, int64_t queries, int64_t keys, Device device);

}  // namespace imago
