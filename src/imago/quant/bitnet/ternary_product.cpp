#include "imago/quant/bitnet/ternary_product.h"

#include <algorithm>
#include <cstring>

#include "imago/kernels/cpu/simd.h"
#include "imago/quant/vnni.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/bitnet/ternary_product.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#if HWY_TARGET == HWY_AVX3
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni")
namespace imago::quant {
namespace HWY_NAMESPACE {

// As an intrinsic GCC keeps every sum in memory, too.
HWY_INLINE __m512i multiply_add(__m512i w, __m512i x, __m512i sum) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
  return sum;
}

template <int kRows>
void multiply_vnni(const uint8_t* w, int64_t columns, const int8_t* x, int64_t stride, int32_t* sums) {
  __m512i totals[kRows][4];
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) totals[i][j] = _mm512_setzero_si512();
  }
  const __m512i two_bits = _mm512_set1_epi8(3);
  for (int64_t k = 0; k < columns; k += kTernaryBytes) {
    __builtin_prefetch(w + k + 1024);
    const int64_t rest = std::min(columns - k, kTernaryBytes);
    const __m512i bytes =
        rest == kTernaryBytes ? _mm512_loadu_si512(w + k) : _mm512_maskz_loadu_epi8((uint64_t{1} << rest) - 1, w + k);
    // What is shifted in from the neighbouring byte is masked away.
    const __m512i values[4] = {_mm512_and_si512(bytes, two_bits),
                               _mm512_and_si512(_mm512_srli_epi16(bytes, 2), two_bits),
                               _mm512_and_si512(_mm512_srli_epi16(bytes, 4), two_bits),
                               _mm512_and_si512(_mm512_srli_epi16(bytes, 6), two_bits)};
#pragma GCC unroll 4
    for (int i = 0; i < kRows; ++i) {
      const __m512i xs = _mm512_loadu_si512(x + i * stride + k);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) totals[i][j] = multiply_add(values[j], xs, totals[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sums[i * 4 + j] = _mm512_reduce_add_epi32(totals[i][j]);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_POP_ATTRIBUTES
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

// Two neighbouring products are at most 3 * 128 * 2 in magnitude, which 16 bits hold.
void multiply_words(const uint8_t* w, int64_t columns, const int8_t* x, int64_t stride, int rows, int32_t* sums) {
  const __m256i two_bits = _mm256_set1_epi8(3), ones = _mm256_set1_epi16(1);
  for (int i = 0; i < rows; ++i) {
    __m256i totals[4];
    for (auto& total : totals) total = _mm256_setzero_si256();
    for (int64_t k = 0; k < columns; k += 32) {
      alignas(32) uint8_t part[32] = {};
      const uint8_t* from = w + k;
      if (columns - k < 32) {
        std::memcpy(part, from, static_cast<size_t>(columns - k));
        from = part;
      }
      __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
      const __m256i xs = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i * stride + k));
      for (auto& total : totals) {
        const __m256i pairs = _mm256_maddubs_epi16(_mm256_and_si256(bytes, two_bits), xs);
        total = _mm256_add_epi32(total, _mm256_madd_epi16(pairs, ones));
        bytes = _mm256_srli_epi16(bytes, 2);
      }
    }
    for (int j = 0; j < 4; ++j) {
      alignas(32) int32_t lanes[8];
      _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), totals[j]);
      sums[i * 4 + j] = 0;
      for (const int32_t lane : lanes) sums[i * 4 + j] += lane;
    }
  }
}

#else

void multiply_words(const uint8_t* w, int64_t columns, const int8_t* x, int64_t stride, int rows, int32_t* sums) {
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < 4; ++j) {
      int32_t sum = 0;
      for (int64_t k = 0; k < columns; ++k) sum += (w[k] >> 2 * j & 3) * x[i * stride + k];
      sums[i * 4 + j] = sum;
    }
  }
}

#endif

void multiply_bytes(const uint8_t* w, int64_t columns, const int8_t* x, int64_t stride, int rows, int32_t* sums) {
#if HWY_TARGET == HWY_AVX3
  if (has_vnni()) {
    switch (rows) {
      case 1: return multiply_vnni<1>(w, columns, x, stride, sums);
      case 2: return multiply_vnni<2>(w, columns, x, stride, sums);
      case 3: return multiply_vnni<3>(w, columns, x, stride, sums);
      default: return multiply_vnni<4>(w, columns, x, stride, sums);
    }
  }
#endif
  multiply_words(w, columns, x, stride, rows, sums);
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::quant {

HWY_EXPORT(multiply_bytes);

void multiply_ternary(const uint8_t* w, int64_t columns, const int8_t* x, int64_t stride, int rows, int32_t* sums) {
  HWY_DYNAMIC_DISPATCH(multiply_bytes)(w, columns, x, stride, rows, sums);
}

}  // namespace imago::quant
#endif
