// Attention that knows how far apart a query and a key are. B batch, H heads, T tokens, R rows of a table.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::nn {

// How far key j stands behind query i, j - i: int64 [T, T].
Tensor distances(int64_t tokens);

// What each query says to the row of a table that belongs to its key: scores [B, H, T, R] and row numbers [T, T] give
// [B, H, T, T].
Tensor scores_of_rows(const Tensor& scores_BHTR, const Tensor& rows_TT);

}  // namespace imago::nn
