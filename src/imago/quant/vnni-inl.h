// Products of blocks with rows of x by AVX-512 VNNI, included once per target by unpack-inl.h.
//
// One instruction multiplies 64 unsigned bytes with 64 signed ones and adds four neighbours up. So a weight's small
// integers, made unsigned, are multiplied with the high bytes of x and with the low ones, and 256 times the first sums
// and the second ones are those of products with 16-bit integers, exactly. What is taken away from the unsigned
// integers goes, times the group's scale, from the sum of x.
#if defined(IMAGO_QUANT_VNNI_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_QUANT_VNNI_INL_H
#undef IMAGO_QUANT_VNNI_INL_H
#else
#define IMAGO_QUANT_VNNI_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "imago/quant/rounded_row.h"
#include "imago/quant/wide-inl.h"

#if HWY_TARGET == HWY_AVX3

// Highway has a target with VNNI, too, but this version of it asks the compiler for another extension by that name.
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni")
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace vnni {

template <class U>
inline constexpr bool kSigned = std::is_signed_v<typename U::Value>;

// 64 values from kAt on, which may be those of several blocks, with 128 added where they have a sign.
template <class U, int kAt>
HWY_INLINE __m512i unsigned_values(const typename U::Format::Block* block) {
  constexpr int kElements = U::Format::kElements, kNext = kAt + 32;
  __m512i values;
  if constexpr (requires { U::template wide_values<kAt % kElements>(block); }) {
    values = U::template wide_values<kAt % kElements>(block + kAt / kElements);
  } else {
    const auto low = U::template values<kAt % kElements>(block[kAt / kElements]);
    const auto high = U::template values<kNext % kElements>(block[kNext / kElements]);
    values = _mm512_inserti64x4(_mm512_castsi256_si512(low.raw), high.raw, 1);
  }
  return kSigned<U> ? _mm512_xor_si512(values, _mm512_set1_epi8(-128)) : values;
}

// The sums of a row's products with kRows rows of x, lane by lane.
template <class U, int kRows>
class Sums {
 public:
  using F = typename U::Format;
  using Block = typename F::Block;
  static constexpr int64_t kGroups = 16;  // at a time: their factors fill a vector
  static constexpr int64_t kElements = kGroups * F::kGroup, kBlocks = kElements / F::kElements;

  HWY_INLINE Sums() {
    for (int i = 0; i < kRows; ++i) shifts_[i] = sums_[i][0] = sums_[i][1] = _mm512_setzero_ps();
  }

  // `elements` values of kBlocks blocks, and x from `first` on. Blocks beyond them are read and make no difference.
  template <bool kWhole>
  HWY_INLINE void add(const Block* block, const RoundedRow* x, int64_t first, int64_t elements) {
    __m512 scales, offsets;
    load_factors(block, scales, offsets);
    if (!kWhole) {
      const auto there = static_cast<__mmask16>((1U << (elements / F::kGroup)) - 1);
      scales = _mm512_maskz_mov_ps(there, scales);
      if (F::kHasOffset) offsets = _mm512_maskz_mov_ps(there, offsets);
    }
    __m512 factors[kRows];
    for (int i = 0; i < kRows; ++i) {
      factors[i] = _mm512_mul_ps(scales, _mm512_loadu_ps(x[i].scale + first / F::kGroup));
      if (!F::kHasOffset && kZero == 0) continue;
      __m512 shift = _mm512_setzero_ps();
      if (F::kHasOffset) shift = offsets;
      if (kZero != 0) shift = _mm512_fnmadd_ps(scales, _mm512_set1_ps(kZero), shift);
      shifts_[i] = _mm512_fmadd_ps(shift, _mm512_loadu_ps(x[i].sum + first / F::kGroup), shifts_[i]);
    }
    add_vectors<kWhole>(block, x, first, elements, factors, std::make_integer_sequence<int, kElements / 64>());
  }

  HWY_INLINE float total(int row) const {
    __m512 sum = _mm512_add_ps(sums_[row][0], sums_[row][1]);
    if (F::kHasOffset || kZero != 0) sum = _mm512_add_ps(sum, shifts_[row]);
    return _mm512_reduce_add_ps(sum);
  }

 private:
  static constexpr int kZero = kSigned<U> ? 128 : U::kZero;
  static constexpr int64_t kGroupsOfBlock = F::kElements / F::kGroup;

  static HWY_INLINE void load_factors(const Block* block, __m512& scales, __m512& offsets) {
    if constexpr (requires { U::wide_factors(block, scales, offsets); }) {
      U::wide_factors(block, scales, offsets);
    } else if constexpr (requires { block->minimum; } && F::kElements == 32) {
      scales = gather_halves<sizeof(Block)>(&block->scale);
      offsets = gather_halves<sizeof(Block)>(&block->minimum);
    } else if constexpr (requires { U::kOnlyScale; }) {
      scales = gather_halves<sizeof(Block)>(&block->scale);
    } else {
      alignas(64) float scale[kGroups], offset[kGroups];
      for (int i = 0; i < kBlocks; ++i) U::factors(block[i], scale + i * kGroupsOfBlock, offset + i * kGroupsOfBlock);
      scales = join_halves(scale);
      if (F::kHasOffset) offsets = join_halves(offset);
    }
  }

  // Not in one load, which would wait until what was stored in parts has left the processor.
  static HWY_INLINE __m512 join_halves(const float* from) {
    keep_in_memory(from);
    return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_load_ps(from)), _mm256_load_ps(from + 8), 1);
  }

  template <bool kWhole, int... kVector>
  HWY_INLINE void add_vectors(const Block* block, const RoundedRow* x, int64_t first, int64_t elements,
                              const __m512 (&factors)[kRows], std::integer_sequence<int, kVector...>) {
    ((kWhole || kVector * 64 < elements ? add_vector<kVector>(block, x, first, factors) : void()), ...);
  }

  template <int kVector>
  HWY_INLINE void add_vector(const Block* block, const RoundedRow* x, int64_t first, const __m512 (&factors)[kRows]) {
    constexpr int kGroup = kVector * 64 / F::kGroup;
    const __m512i lanes =
        F::kGroup == 32
            ? _mm512_setr_epi32(kGroup, kGroup, kGroup, kGroup, kGroup, kGroup, kGroup, kGroup, kGroup + 1, kGroup + 1,
                                kGroup + 1, kGroup + 1, kGroup + 1, kGroup + 1, kGroup + 1, kGroup + 1)
            : _mm512_setr_epi32(kGroup, kGroup, kGroup, kGroup, kGroup + 1, kGroup + 1, kGroup + 1, kGroup + 1,
                                kGroup + 2, kGroup + 2, kGroup + 2, kGroup + 2, kGroup + 3, kGroup + 3, kGroup + 3,
                                kGroup + 3);
    const __m512i w = unsigned_values<U, kVector * 64>(block);
    for (int i = 0; i < kRows; ++i) {
      const int16_t* const values = x[i].values + first + kVector * 64;
      __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), w, _mm512_loadu_si512(values));
      sum = _mm512_dpbusd_epi32(_mm512_slli_epi32(sum, 8), w, _mm512_loadu_si512(values + 32));
      sums_[i][kVector % 2] =
          _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_permutexvar_ps(lanes, factors[i]), sums_[i][kVector % 2]);
    }
  }

  __m512 sums_[kRows][2], shifts_[kRows];
};

// y[i * stride + r] = row r . row i of x. `readable` rows lie there, which may be more.
template <class U, int kRows>
void multiply(const std::byte* from, int64_t rows, int64_t readable, int64_t blocks, const RoundedRow* x, float* y,
              int64_t stride) {
  using S = Sums<U, kRows>;
  using Block = typename U::Format::Block;
  constexpr int64_t kAhead = 4096;  // bytes: further than the hardware looks, which stops at every page
  constexpr int64_t kElements = U::Format::kElements;
  const auto* block = reinterpret_cast<const Block*>(from);
  for (int64_t r = 0; r < rows; ++r, block += blocks) {
    S sums;
    int64_t i = 0;
    for (; i + S::kBlocks <= blocks; i += S::kBlocks) {
      const auto* bytes = reinterpret_cast<const char*>(block + i) + kAhead;
      for (size_t line = 0; line < S::kBlocks * sizeof(Block); line += 64) __builtin_prefetch(bytes + line);
      sums.template add<true>(block + i, x, i * kElements, S::kElements);
    }
    if (i < blocks) {
      // Most rows are followed by others, into which it is no harm to read.
      const bool followed = (readable - r) * blocks >= i + S::kBlocks;
      Block rest[S::kBlocks];
      if (!followed) {
        std::memset(static_cast<void*>(rest), 0, sizeof(rest));
        std::memcpy(static_cast<void*>(rest), block + i, static_cast<size_t>(blocks - i) * sizeof(Block));
      }
      sums.template add<false>(followed ? block + i : rest, x, i * kElements, (blocks - i) * kElements);
    }
    for (int row = 0; row < kRows; ++row) y[row * stride + r] = sums.total(row);
  }
}

template <class U>
void multiply_row(const std::byte* from, int64_t rows, int64_t blocks, const RoundedRow& x, float* y) {
  multiply<U, 1>(from, rows, rows, blocks, &x, y, 0);
}

template <class U>
void multiply_rows(const std::byte* from, int64_t rows, int64_t blocks, const RoundedRow* x, int64_t m, float* y,
                   int64_t stride) {
  // A row of the weight at a time, so that it is in the cache for all rows of x.
  const int64_t row_bytes = blocks * static_cast<int64_t>(sizeof(typename U::Format::Block));
  for (int64_t r = 0; r < rows; ++r, from += row_bytes, ++y) {
    int64_t i = 0;
    for (; i + 4 <= m; i += 4) multiply<U, 4>(from, 1, rows - r, blocks, x + i, y + i * stride, stride);
    for (; i + 2 <= m; i += 2) multiply<U, 2>(from, 1, rows - r, blocks, x + i, y + i * stride, stride);
    if (i < m) multiply<U, 1>(from, 1, rows - r, blocks, x + i, y + i * stride, stride);
  }
}

}  // namespace vnni
}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_POP_ATTRIBUTES

#endif

#endif  // per-target include guard
