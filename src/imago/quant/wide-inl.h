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
#include "imago/quant/super_block_scales.h"

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

// Sixteen bytes that lie kStride bytes apart, without a sign.
template <int kStride>
HWY_INLINE __m512i gather_bytes(const void* from) {
  const auto* b = static_cast<const char*>(from);
  constexpr int s = kStride;
  return _mm512_cvtepu8_epi32(_mm_setr_epi8(b[0], b[s], b[2 * s], b[3 * s], b[4 * s], b[5 * s], b[6 * s], b[7 * s],
                                            b[8 * s], b[9 * s], b[10 * s], b[11 * s], b[12 * s], b[13 * s], b[14 * s],
                                            b[15 * s]));
}

HWY_INLINE __m512 wide_half(float16 value) {
  return _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(value.bits)));
}

// Numbers of two blocks, in the halves.
HWY_INLINE __m512 wide_halves(float16 first, float16 second) {
  return _mm512_mask_blend_ps(0xff00, wide_half(first), wide_half(second));
}

HWY_INLINE __m128i pair_of(uint64_t first, uint64_t second) {
  return _mm_set_epi64x(static_cast<int64_t>(second), static_cast<int64_t>(first));
}

HWY_INLINE uint64_t load_word(const void* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

// Integers without and with a sign, times a scale.
HWY_INLINE __m512 scale_unsigned(__m128i integers, __m512 scale) {
  return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(integers)), scale);
}
HWY_INLINE __m512 scale_signed(__m128i integers, __m512 scale) {
  return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(integers)), scale);
}

// Of two blocks as Q4_K and Q5_K have them.
template <class Block>
HWY_INLINE void wide_super_block_factors(const Block* block, __m512& scales, __m512& offsets) {
  const auto [scales0, minimums0] = super_block_words(block[0].scales);
  const auto [scales1, minimums1] = super_block_words(block[1].scales);
  scales = scale_unsigned(pair_of(scales0, scales1), wide_halves(block[0].scale, block[1].scale));
  const __m512 minimum = wide_halves(block[0].minimum, block[1].minimum);
  offsets = scale_unsigned(pair_of(minimums0, minimums1), _mm512_xor_ps(minimum, _mm512_set1_ps(-0.0F)));
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
