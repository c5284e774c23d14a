// Factors of symmetric matrices, blocked so that the work is that of matrix products.
#pragma once

#include <cstdint>

namespace imago::kernels {

// The lower triangle of a [n, n], rows `n` apart, becomes L with L L^T = a; what is above the diagonal is left
// undefined. False, with `a` half done, where a pivot is not positive.
bool cholesky(float* a, int64_t n);

// L^-1 in the place of a lower triangle; what is above the diagonal becomes zero.
void invert_lower(float* l, int64_t n);

}  // namespace imago::kernels
