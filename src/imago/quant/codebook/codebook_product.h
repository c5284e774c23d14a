// Products of few rows with a matrix of codes, straight from the codes.
#pragma once

#include <cstdint>

namespace imago::quant {

// What a code stands for.
enum class CodeKind {
  kTable,    // 4 bits: a float of a table of sixteen
  kInteger,  // a byte with a sign
  kFloat8,   // a float of a byte, e4m3, and no NaN
};

// Codes whose columns come in segments that share a scale.
struct CodeRows {
  CodeKind kind;
  const float* table;  // [16], of kTable
  const uint8_t* codes;
  int64_t rows, columns;
  int64_t segment;  // columns of a scale; the last one may have fewer
  // Of the first segment of each row: scales + row / rows_of_scale * segments.
  const float* scales;
  int64_t rows_of_scale, segments;
  float factor;  // of every scale
};

inline constexpr int64_t kMaxCodeRows = 8;

// y [m, rows] = x [m, columns] W^T + bias (or null), for m up to kMaxCodeRows. Sums are taken in float, with the values
// that the codes stand for exactly. False, with nothing done, where the processor or the sizes do not suit.
bool multiply_codes(const CodeRows& weight, const float* x, int64_t m, int64_t stride, const float* bias, float* y);

}  // namespace imago::quant
