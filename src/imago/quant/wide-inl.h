// Unpacking 64 values at a time with AVX-512, included once per target by unpack-inl.h.
#if defined(IMAGO_QUANT_WIDE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_QUANT_WIDE_INL_H
#undef IMAGO_QUANT_WIDE_INL_H
#else
#define IMAGO_QUANT_WIDE_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <array>
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

// 32 bytes, twice: bits [kFrom, kFrom + kWidth) of each, then those kStep further, all moved to kTo.
template <int kWidth, int kFrom, int kStep, int kTo = 0>
HWY_INLINE __m512i wide_bits(const uint8_t* bytes) {
  const __m512i both = _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)));
  // What is rotated across bytes is masked away.
  const __m512i moved = _mm512_rorv_epi64(both, wide_shifts(kFrom - kTo, kFrom + kStep - kTo));
  return _mm512_and_si512(moved, _mm512_set1_epi8(static_cast<char>(((1 << kWidth) - 1) << kTo)));
}

// Of four runs of 32 values in the halves of 16 bytes each that lie kStride bytes apart.
template <int kStride>
HWY_INLINE void split_nibbles(const uint8_t* from, __m512i& low, __m512i& high) {
  const auto load = [from](int run)
                        HWY_ATTR { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + run * kStride)); };
  const __m256i first = _mm256_inserti128_si256(_mm256_castsi128_si256(load(0)), load(1), 1);
  const __m256i second = _mm256_inserti128_si256(_mm256_castsi128_si256(load(2)), load(3), 1);
  const __m512i all = _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
  low = _mm512_and_si512(all, _mm512_set1_epi8(15));
  high = _mm512_and_si512(_mm512_srli_epi16(all, 4), _mm512_set1_epi8(15));
}

// Adds 16 where the bit of a value is set in four words of 32 that lie kStride bytes apart.
template <int kStride>
HWY_INLINE void add_fifth_bits(const uint8_t* from, __m512i& low, __m512i& high) {
  uint32_t words[4];
  for (int i = 0; i < 4; ++i) std::memcpy(words + i, from + i * kStride, sizeof(words[0]));
  const uint64_t first = words[0] | static_cast<uint64_t>(words[1]) << 32;
  const uint64_t second = words[2] | static_cast<uint64_t>(words[3]) << 32;
  constexpr uint64_t kLow = 0x0000ffff0000ffff;
  const uint64_t of_low = _pext_u64(first, kLow) | _pext_u64(second, kLow) << 32;
  const uint64_t of_high = _pext_u64(first, ~kLow) | _pext_u64(second, ~kLow) << 32;
  low = _mm512_or_si512(low, _mm512_maskz_set1_epi8(of_low, 16));
  high = _mm512_or_si512(high, _mm512_maskz_set1_epi8(of_high, 16));
}

// 32 bytes after another 32.
HWY_INLINE __m512i wide_bytes(const void* first, const void* second) {
  const __m256i low = _mm256_loadu_si256(static_cast<const __m256i*>(first));
  const __m256i high = _mm256_loadu_si256(static_cast<const __m256i*>(second));
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

HWY_INLINE __m512i wide_look_up(const int8_t* table, __m512i indices) {
  const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(values), indices);
}

// Of sixteen words that lie kStride bytes apart those from kFirst on, as many as two vectors hold, and the rest.
template <int kStride, int kFirst = 0>
HWY_INLINE __m512i gather_words(const char* from) {
  constexpr int kCount = std::min(126 / kStride + 1, 16 - kFirst);
  // Not beyond the last word.
  constexpr int kBegin = std::min(kFirst * kStride, 15 * kStride + 2 - 128);
  alignas(64) static constexpr auto kIndices = [] {
    std::array<uint16_t, 32> indices{};
    for (int i = kFirst; i < kFirst + kCount; ++i) indices[i] = static_cast<uint16_t>((i * kStride - kBegin) / 2);
    return indices;
  }();
  const __m512i words =
      _mm512_maskz_permutex2var_epi16(((1U << kCount) - 1) << kFirst, _mm512_loadu_si512(from + kBegin),
                                      _mm512_load_si512(kIndices.data()), _mm512_loadu_si512(from + kBegin + 64));
  if constexpr (kFirst + kCount == 16) {
    return words;
  } else {
    return _mm512_or_si512(words, gather_words<kStride, kFirst + kCount>(from));
  }
}

// Sixteen numbers that lie kStride bytes apart.
template <int kStride>
HWY_INLINE __m512 gather_halves(const void* from) {
  const auto* bytes = static_cast<const char*>(from);
  if constexpr (kStride % 2 == 0) {
    return _mm512_cvtph_ps(_mm512_castsi512_si256(gather_words<kStride>(bytes)));
  } else {
    int16_t h[16];
    for (int i = 0; i < 16; ++i) std::memcpy(h + i, bytes + i * kStride, sizeof(h[0]));
    const __m128i low = _mm_setr_epi16(h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]);
    const __m128i high = _mm_setr_epi16(h[8], h[9], h[10], h[11], h[12], h[13], h[14], h[15]);
    return _mm512_cvtph_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
  }
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
