#pragma once

#include "imago/ops/apply.h"

namespace imago {
namespace op {

// See rope.
struct Rope {
  static constexpr const char* name = "rope";
  bool interleaved;
  int64_t rotary_dim;
  FIELDS(interleaved, rotary_dim)
  TensorSpec check(const Tensor& x, const Tensor& cos, const Tensor& sin) const;
  Tensor decompose(const Tensor& x, const Tensor& cos, const Tensor& sin) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op

// Which elements of a head are rotated together.
enum class RotaryPairs {
  kHalves,       // i and i + rotary_dim / 2, as in Llama
  kInterleaved,  // 2 i and 2 i + 1, as in GPT-J
};

// Rotary position embedding ("RoFormer", 2021): the pairs of the first `rotary_dim` elements (all of them where it is
// 0) of every head in x [batch, heads, tokens, head_size] are rotated by the angles whose cos and sin are given
// [batch or 1, tokens, rotary_dim / 2]; the other elements are passed on. cos and sin may also have rotary_dim
// elements, one per element of x, as the reference stores them. They have the dtype of x or, for a half type, float32;
// the rotation is computed in float and rounded once.
Tensor rope(const Tensor& x, const Tensor& cos, const Tensor& sin, RotaryPairs pairs = RotaryPairs::kHalves,
            int64_t rotary_dim = 0);

}  // namespace imago
