// The matrix product with element types as values, so that its code is compiled once and not for every combination.
#pragma once

#include <cstdint>
#include <type_traits>

#include "imago/kernels/cpu/gemm.h"

namespace imago::kernels {

enum class ElementType : uint8_t { kFloat, kBfloat16, kFloat16, kDouble };

template <class T>
constexpr ElementType element_type() {
  if constexpr (std::is_same_v<T, float>) return ElementType::kFloat;
  if constexpr (std::is_same_v<T, bfloat16>) return ElementType::kBfloat16;
  if constexpr (std::is_same_v<T, float16>) return ElementType::kFloat16;
  if constexpr (std::is_same_v<T, double>) return ElementType::kDouble;
}

// A matrix in memory: either its rows or its columns are contiguous, `stride` elements apart.
struct Operand {
  const void* data;
  ElementType type;
  int64_t stride;
  bool transposed;  // columns are contiguous
};

// One product of a batch; see Gemm.
struct UntypedGemm {
  int64_t m, n, k;
  Operand a, b;
  void* c;
  ElementType c_type;
  int64_t ldc;
  bool accumulate;
  bool is_part;
  const void* bias;  // of b's type; once it reaches the kernels, of the type summed in
  PackedColumns packed_b;
  const PackColumns* pack_columns;
  const RowEpilogue* epilogue;
};

// Calls visitor(pointer) with the pointer cast to its elements' type. Types that cannot meet T, the type summed in, are
// not compiled.
template <class T, class Visitor>
auto visit_elements(const void* data, ElementType type, Visitor visitor) {
  if constexpr (std::is_same_v<T, double>) {
    return visitor(static_cast<const double*>(data));
  } else {
    if (type == ElementType::kBfloat16) return visitor(static_cast<const bfloat16*>(data));
    if (type == ElementType::kFloat16) return visitor(static_cast<const float16*>(data));
    return visitor(static_cast<const float*>(data));
  }
}

}  // namespace imago::kernels
