// Sums of products of ternary weights, four to a byte, with 8-bit integers.
#pragma once

#include <cstdint>

namespace imago::quant {

inline constexpr int64_t kTernaryBytes = 64;  // rows of x end in zeros up to a multiple of so many
inline constexpr int kTernaryRows = 4;        // of x that are multiplied at a time, at most

// sums[i * 4 + j] = sum over k of (value j of byte k of w, 0 to 3) * x[i * stride + k], for `rows` rows of x and
// `columns` bytes.
void multiply_ternary(const uint8_t* w, int64_t columns, const int8_t* x, int64_t stride, int rows, int32_t* sums);

}  // namespace imago::quant
