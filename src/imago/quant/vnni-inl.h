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

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "imago/quant/rounded_row.h"
#include "imago/quant/wide-inl.h"

#if HWY_TARGET == HWY_AVX3

// Highway has a target with VNNI, too, but this version of it asks the compiler for another extension by that name.
#define IMAGO_VNNI_ATTRIBUTES __attribute__((target(HWY_TARGET_STR ",avx512vnni")))
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni")
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace vnni {

template <class U>
inline constexpr bool kSigned = std::is_signed_v<typename U::Value>;

// Where four groups of 32 lie in the low and high halves of 16 bytes each, they are taken together.
template <class U>
inline constexpr bool kHalves = requires(const typename U::Format::Block* block, __m512i& half) {
  U::template halves<0>(block, half, half);
};

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

// A vector's lanes in the factors of groups, of which it has those of kPerVector from `first` on.
template <int kPerVector>
HWY_INLINE __m512i lanes_of(int first) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm512_add_epi32(_mm512_srli_epi32(lane, kPerVector == 2 ? 3 : 2), _mm512_set1_epi32(first));
}

// The sums of a row's products with kRows rows of x, lane by lane.
template <class U, int kRows>
class Sums {
 public:
  using F = typename U::Format;
  using Block = typename F::Block;
  static constexpr int64_t kGroups = 16;  // at a time: their factors fill a vector
  static constexpr int64_t kElements = kGroups * F::kGroup, kBlocks = kElements / F::kElements;
  static constexpr int64_t kStep = kHalves<U> ? 128 : 64;  // elements that are multiplied at a time

  HWY_INLINE Sums() {
    for (int i = 0; i < kRows; ++i) shifts_[i] = sums_[i][0] = sums_[i][1] = _mm512_setzero_ps();
  }

  // The first thing to do with kBlocks blocks, of which `elements` values count, and x from `first` on.
  template <bool kWhole>
  HWY_INLINE void take_factors(const Block* block, const RoundedRow* x, int64_t first, int64_t elements) {
    __m512 scales, offsets;
    load_factors(block, scales, offsets);
    if (!kWhole) {
      const auto there = static_cast<__mmask16>((1U << (elements / F::kGroup)) - 1);
      scales = _mm512_maskz_mov_ps(there, scales);
      if (F::kHasOffset) offsets = _mm512_maskz_mov_ps(there, offsets);
    }
    for (int i = 0; i < kRows; ++i) {
      factors_[i] = _mm512_mul_ps(scales, _mm512_loadu_ps(x[i].scale + first / F::kGroup));
      if (!F::kHasOffset && kZero == 0) continue;
      __m512 shift = _mm512_setzero_ps();
      if (F::kHasOffset) shift = offsets;
      if (kZero != 0) shift = _mm512_fnmadd_ps(scales, _mm512_set1_ps(kZero), shift);
      shifts_[i] = _mm512_fmadd_ps(shift, _mm512_loadu_ps(x[i].sum + first / F::kGroup), shifts_[i]);
    }
  }

  // The kVector-th kStep elements of those blocks.
  template <int kVector>
  HWY_INLINE void add_vector(const Block* block, const RoundedRow* x, int64_t first) {
    constexpr int kGroup = kVector * kStep / F::kGroup;
    if constexpr (kHalves<U>) {
      __m512i low, high;
      U::template halves<kVector * kStep % F::kElements>(block + kVector * kStep / F::kElements, low, high);
      if (kSigned<U>) {
        low = _mm512_xor_si512(low, _mm512_set1_epi8(-128));
        high = _mm512_xor_si512(high, _mm512_set1_epi8(-128));
      }
      const __m512i lanes = lanes_of<4>(kGroup);
      for (int i = 0; i < kRows; ++i) {
        const auto* const values = reinterpret_cast<const std::byte*>(x[i].values + first + kVector * kStep);
        __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), low, _mm512_loadu_si512(values));
        sum = _mm512_slli_epi32(_mm512_dpbusd_epi32(sum, high, _mm512_loadu_si512(values + 64)), 8);
        sum = _mm512_dpbusd_epi32(sum, low, _mm512_loadu_si512(values + 128));
        sum = _mm512_dpbusd_epi32(sum, high, _mm512_loadu_si512(values + 192));
        add_products(sum, lanes, i, kVector % 2);
      }
    } else {
      const __m512i lanes = lanes_of<64 / F::kGroup>(kGroup);
      const __m512i w = unsigned_values<U, kVector * kStep>(block);
      for (int i = 0; i < kRows; ++i) {
        const auto* const values = reinterpret_cast<const std::byte*>(x[i].values + first + kVector * kStep);
        __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), w, _mm512_loadu_si512(values));
        sum = _mm512_dpbusd_epi32(_mm512_slli_epi32(sum, 8), w, _mm512_loadu_si512(values + 64));
        add_products(sum, lanes, i, kVector % 2);
      }
    }
  }

  HWY_INLINE float total(int row) const {
    __m512 sum = _mm512_add_ps(sums_[row][0], sums_[row][1]);
    if (F::kHasOffset || kZero != 0) sum = _mm512_add_ps(sum, shifts_[row]);
    return _mm512_reduce_add_ps(sum);
  }

 private:
  static constexpr int kZero = kSigned<U> ? 128 : U::kZero;
  static constexpr int64_t kGroupsOfBlock = F::kElements / F::kGroup;

  HWY_INLINE void add_products(__m512i products, __m512i lanes, int row, int chain) {
    const __m512 factor = _mm512_permutexvar_ps(lanes, factors_[row]);
    sums_[row][chain] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), factor, sums_[row][chain]);
  }

  static HWY_INLINE void load_factors(const Block* block, __m512& scales, __m512& offsets) {
    if constexpr (requires { U::wide_factors(block, scales, offsets); }) {
      U::wide_factors(block, scales, offsets);
    } else if constexpr (requires { block->minimum; }) {
      scales = gather_halves<sizeof(Block)>(&block->scale);
      offsets = gather_halves<sizeof(Block)>(&block->minimum);
    } else {
      scales = gather_halves<sizeof(Block)>(&block->scale);
    }
  }

  __m512 sums_[kRows][2], shifts_[kRows], factors_[kRows];
};

// `elements` values of kWeights rows that begin at `blocks`, side by side, so that x is loaded once for all.
template <bool kWhole, class U, int kRows, int kWeights>
HWY_INLINE void add_blocks(Sums<U, kRows> (&sums)[kWeights], const typename U::Format::Block* const (&blocks)[kWeights],
                           const RoundedRow* x, int64_t first, int64_t elements) {
  for (int w = 0; w < kWeights; ++w) sums[w].template take_factors<kWhole>(blocks[w], x, first, elements);
  using S = Sums<U, kRows>;
  [&]<int... kVector>(std::integer_sequence<int, kVector...>) IMAGO_VNNI_ATTRIBUTES {
    const auto add = [&]<int kAt>() IMAGO_VNNI_ATTRIBUTES {
      if (!kWhole && kAt * S::kStep >= elements) return;
      for (int w = 0; w < kWeights; ++w) sums[w].template add_vector<kAt>(blocks[w], x, first);
    };
    (add.template operator()<kVector>(), ...);
  }
  (std::make_integer_sequence<int, S::kElements / S::kStep>());
}

// Rows that are multiplied at the same time, and what comes of each with each row of x.
template <class U, int kRows, int kWeights>
HWY_INLINE void multiply_weights(const typename U::Format::Block* const (&weights)[kWeights], int64_t blocks,
                                 bool followed, const RoundedRow* x, float (&y)[kWeights][kRows]) {
  using S = Sums<U, kRows>;
  using Block = typename U::Format::Block;
  constexpr int64_t kAhead = 4096;  // bytes: further than the hardware looks, which stops at every page
  constexpr int64_t kElements = U::Format::kElements;
  S sums[kWeights];
  const Block* at[kWeights];
  int64_t i = 0;
  for (; i + S::kBlocks <= blocks; i += S::kBlocks) {
    for (int w = 0; w < kWeights; ++w) {
      at[w] = weights[w] + i;
      const auto* bytes = reinterpret_cast<const char*>(at[w]) + kAhead;
      for (size_t line = 0; line < S::kBlocks * sizeof(Block); line += 64) __builtin_prefetch(bytes + line);
    }
    add_blocks<true>(sums, at, x, i * kElements, S::kElements);
  }
  if (i < blocks) {
    Block rest[kWeights][S::kBlocks];
    for (int w = 0; w < kWeights; ++w) {
      at[w] = weights[w] + i;
      if (followed) continue;
      std::memset(static_cast<void*>(rest[w]), 0, sizeof(rest[w]));
      std::memcpy(static_cast<void*>(rest[w]), at[w], static_cast<size_t>(blocks - i) * sizeof(Block));
      at[w] = rest[w];
    }
    add_blocks<false>(sums, at, x, i * kElements, (blocks - i) * kElements);
  }
  for (int w = 0; w < kWeights; ++w) {
    for (int row = 0; row < kRows; ++row) y[w][row] = sums[w].total(row);
  }
}

// Of `rows` rows those that so many others follow that it is no harm to read beyond them.
template <class U>
int64_t followed_rows(int64_t rows, int64_t blocks) {
  constexpr int64_t kBlocks = Sums<U, 1>::kBlocks;
  const int64_t missing = blocks % kBlocks == 0 ? 0 : kBlocks - blocks % kBlocks;
  return std::max<int64_t>(rows - (missing + blocks - 1) / blocks, 0);
}

// Two rows at a time that lie far apart: a core reads memory faster in two streams, and x only once.
template <class U>
void multiply_row(const std::byte* from, int64_t rows, int64_t blocks, const RoundedRow& x, float* y) {
  const auto* block = reinterpret_cast<const typename U::Format::Block*>(from);
  const int64_t followed = followed_rows<U>(rows, blocks), half = followed / 2;
  for (int64_t r = 0; r < half; ++r) {
    float both[2][1];
    multiply_weights<U, 1, 2>({block + r * blocks, block + (r + half) * blocks}, blocks, true, &x, both);
    y[r] = both[0][0];
    y[r + half] = both[1][0];
  }
  for (int64_t r = 2 * half; r < rows; ++r) {
    float one[1][1];
    multiply_weights<U, 1, 1>({block + r * blocks}, blocks, r < followed, &x, one);
    y[r] = one[0][0];
  }
}

template <class U>
void multiply_rows(const std::byte* from, int64_t rows, int64_t blocks, const RoundedRow* x, int64_t m, float* y,
                   int64_t stride) {
  const int64_t followed = followed_rows<U>(rows, blocks);
  const auto* block = reinterpret_cast<const typename U::Format::Block*>(from);
  // A row of the weight at a time, so that it is in the cache for all rows of x.
  for (int64_t r = 0; r < rows; ++r, block += blocks, ++y) {
    int64_t i = 0;
    const auto add = [&]<int kRows>() IMAGO_VNNI_ATTRIBUTES {
      float sums[1][kRows];
      multiply_weights<U, kRows, 1>({block}, blocks, r < followed, x + i, sums);
      for (int row = 0; row < kRows; ++row) y[(i + row) * stride] = sums[0][row];
      i += kRows;
    };
    while (i + 4 <= m) add.template operator()<4>();
    while (i + 2 <= m) add.template operator()<2>();
    if (i < m) add.template operator()<1>();
  }
}

}  // namespace vnni
}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_POP_ATTRIBUTES

#endif

#endif  // per-target include guard
