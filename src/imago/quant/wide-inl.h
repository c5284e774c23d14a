// Unpacking 64 values at a time with AVX-512, included once per target by unpack-inl.h.
#if defined(IMAGO_QUANT_WIDE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_QUANT_WIDE_INL_H
#undef IMAGO_QUANT_WIDE_INL_H
#else
#define IMAGO_QUANT_WIDE_INL_H
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <cstring>

#include "imago/kernels/cpu/half.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {

// Makes the compiler read what lies there instead of taking it out of the vectors that were stored: reading a number
// into all lanes costs nothing, moving it there from another lane does.
HWY_INLINE void keep_in_memory(const float* values) { asm volatile("" : : "r"(values) : "memory"); }

#if HWY_TARGET == HWY_AVX3

HWY_INLINE __m512i wide_shifts(int first, int second) {
  return _mm512_inserti64x4(_mm512_set1_epi64(first & 63), _mm256_set1_epi64x(second & 63), 1);
}

// Of two runs of 32 values in the halves of 16 bytes each, low halves first.
HWY_INLINE __m512i wide_nibbles(const uint8_t* first, const uint8_t* second) {
  __m512i both = _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(first)));
  both = _mm512_mask_broadcast_i32x4(both, 0xff00, _mm_loadu_si128(reinterpret_cast<const __m128i*>(second)));
  const __m512i shifts = _mm512_setr_epi64(0, 0, 4, 4, 0, 0, 4, 4);
  return _mm512_and_si512(_mm512_srlv_epi64(both, shifts), _mm512_set1_epi8(15));
}

// 32 bytes, twice: bits [kFrom, kFrom + kWidth) of each, then those kStep further, all moved to kTo.
template <int kWidth, int kFrom, int kStep, int kTo = 0>
HWY_INLINE __m512i wide_bits(const uint8_t* bytes) {
  const __m512i both = _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)));
  // What is rotated across bytes is masked away.
  const __m512i moved = _mm512_rorv_epi64(both, wide_shifts(kFrom - kTo, kFrom + kStep - kTo));
  return _mm512_and_si512(moved, _mm512_set1_epi8(static_cast<char>(((1 << kWidth) - 1) << kTo)));
}

// 32 bytes after another 32.
HWY_INLINE __m512i wide_bytes(const void* first, const void* second) {
  const __m256i low = _mm256_loadu_si256(static_cast<const __m256i*>(first));
  const __m256i high = _mm256_loadu_si256(static_cast<const __m256i*>(second));
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

// 16 where the bit of a value is set in one of two words of 32.
HWY_INLINE __m512i wide_fifth_bits(const uint8_t* first, const uint8_t* second) {
  uint32_t low, high;
  std::memcpy(&low, first, sizeof(low));
  std::memcpy(&high, second, sizeof(high));
  return _mm512_maskz_set1_epi8(low | static_cast<uint64_t>(high) << 32, 16);
}

HWY_INLINE __m512i wide_look_up(const int8_t* table, __m512i indices) {
  const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), indices);
}

// Sixteen numbers that lie kStride bytes apart.
template <int kStride>
HWY_INLINE __m512 gather_halves(const void* from) {
  const auto* bytes = static_cast<const char*>(from);
  int16_t h[16];
  for (int i = 0; i < 16; ++i) std::memcpy(h + i, bytes + i * kStride, sizeof(h[0]));
  const __m128i low = _mm_setr_epi16(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]);
  const __m128i high = _mm_setr_epi16(h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
  return _mm512_cvtph_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
