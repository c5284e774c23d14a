// What happens to the finished sums of a matrix product on their way to C. Compiled once per target.
#if defined(IMAGO_KERNELS_CPU_GEMM_FINISH_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_GEMM_FINISH_INL_H
#undef IMAGO_KERNELS_CPU_GEMM_FINISH_INL_H
#else
#define IMAGO_KERNELS_CPU_GEMM_FINISH_INL_H
#endif

#include <cstdint>

#include "imago/kernels/cpu/gemm_untyped.h"
#include "imago/kernels/cpu/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {

// Adds bias and previous contents to the finished sums of a block, and rounds them to C's type. `sums` may be C itself.
template <class T, class C>
void finish_row(const T* sums, const T* bias, bool accumulate, C* c, int64_t size) {
  const Simd<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    auto value = hn::LoadU(d, sums + i);
    if (bias != nullptr) value = hn::Add(value, hn::LoadU(d, bias + i));
    if (accumulate) value = hn::Add(value, load(d, c + i));
    store(value, d, c + i);
  }
  for (; i < size; ++i) {
    T value = sums[i];
    if (bias != nullptr) value += bias[i];
    if (accumulate) value += static_cast<T>(c[i]);
    c[i] = C(value);
  }
}

// The block of C at (row, column) from its finished sums.
template <class T>
void finish_block(const UntypedGemm& g, const T* sums, int64_t stride, int64_t row, int64_t column, int64_t rows,
                  int64_t columns, bool accumulate) {
  const T* const bias = g.bias == nullptr ? nullptr : static_cast<const T*>(g.bias) + column;
  visit_elements<T>(g.c, g.c_type, [&](const auto* c) HWY_ATTR {
    for (int64_t i = 0; i < rows; ++i) {
      auto* to = const_cast<std::remove_const_t<std::remove_pointer_t<decltype(c)>>*>(c) + (row + i) * g.ldc + column;
      finish_row(sums + i * stride, bias, accumulate, to, columns);
    }
  });
}

// The same with an epilogue.
HWY_INLINE void apply_epilogue(const UntypedGemm& g, const float* sums, int64_t stride, int64_t row, int64_t column,
                               int64_t rows, int64_t columns) {
  const Simd<float> d;
  const RowEpilogue& e = *g.epilogue;
  for (int64_t i = row; i < row + rows; ++i, sums += stride) {
    const auto scale = hn::Set(d, e.scale == nullptr ? 1.0f : e.scale[i]);
    const auto shift = hn::Set(d, e.shift == nullptr ? 0.0f : e.shift[i]);
    const auto finish = [&](auto value, auto residual) HWY_ATTR {
      value = hn::Add(hn::MulAdd(value, scale, shift), residual);
      return e.relu ? hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value) : value;
    };
    float* const c = static_cast<float*>(g.c) + i * g.ldc + column;
    const float* const residual = e.residual == nullptr ? nullptr : e.residual + i * g.ldc + column;
    if (residual == nullptr) {
      map_rows(
          c, columns, [&](auto x) HWY_ATTR { return finish(x, hn::Zero(d)); }, sums);
    } else {
      map_rows(
          c, columns, [&](auto x, auto y) HWY_ATTR { return finish(x, y); }, sums, residual);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
