// A row of x as 16-bit integers, compiled once per target.
#if defined(IMAGO_QUANT_ROUND_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_QUANT_ROUND_ROW_INL_H
#undef IMAGO_QUANT_ROUND_ROW_INL_H
#else
#define IMAGO_QUANT_ROUND_ROW_INL_H
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "imago/quant/rounded_row.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The step between the integers that stand for a run of x, and the values themselves in natural order.
inline float round_run(const float* x, int16_t* values) {
  const hn::CappedTag<float, 8> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<int16_t, decltype(df)> d16;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(df));
  // The bits of magnitudes are in their order, with NaN above infinity, so that either makes the run's scale one too,
  // and so the products, as it would in float.
  auto largest = hn::Zero(di);
  for (int64_t j = 0; j < kRun; j += lanes) {
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(df, x + j))));
  }
  const float range = std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(di, largest)));
  const float reciprocal = kLargest / range;
  const float inverse = std::isfinite(range) && std::isfinite(reciprocal) ? reciprocal : 0;
  const auto factor = hn::Set(df, inverse);
  for (int64_t j = 0; j < kRun; j += lanes) {
    const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(df, x + j), factor));
    hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, rounded)), d16, values + j);
  }
  return range / kLargest;
}

#if HWY_TARGET != HWY_SCALAR

// The bytes of a weight that are unpacked at a time.
using Bytes = hn::CappedTag<uint8_t, kRun>;

// The factors of the groups that a vector of bytes lies in, for lanes of 32 bits: one group's for all, or those of two
// for the halves.
template <int kGroup>
HWY_INLINE hn::Vec<hn::Repartition<float, Bytes>> broadcast_factors(const float* factor) {
  const hn::Repartition<float, Bytes> df;
  if constexpr (kGroup >= static_cast<int>(hn::MaxLanes(Bytes()))) {
    return hn::Set(df, *factor);
  } else {
    const Bytes d;
    const hn::Repartition<uint64_t, Bytes> d64;
    alignas(32) static constexpr uint8_t kHalves[32] = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,
                                                        4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7};
    uint64_t pair;
    std::memcpy(&pair, factor, sizeof(pair));
    return hn::BitCast(df, hn::TableLookupBytes(hn::BitCast(d, hn::Set(d64, pair)), hn::Load(d, kHalves)));
  }
}

// The values of a run in the order of RoundedRow.
inline void arrange_run(const int16_t* natural, int16_t* values) {
  const hn::Repartition<int16_t, Bytes> d;
  constexpr int64_t kLanes = hn::MaxLanes(d);
  for (int64_t j = 0; j < kRun; j += 2 * kLanes) {
    const auto low = hn::LoadU(d, natural + j), high = hn::LoadU(d, natural + j + kLanes);
    hn::StoreU(hn::ConcatEven(d, high, low), d, values + j);
    hn::StoreU(hn::ConcatOdd(d, high, low), d, values + j + kLanes);
  }
}

#if HWY_TARGET == HWY_AVX3

// Run `index` of a row, as bytes.
template <bool kInHalves>
inline void split_run(const int16_t* natural, int64_t index, int16_t* values) {
  const __m512i all = _mm512_loadu_si512(natural);
  const __m512i low = _mm512_srai_epi16(_mm512_slli_epi16(all, 8), 8);
  const __m256i low_bytes = _mm512_cvtepi16_epi8(low);
  const __m256i high_bytes = _mm512_cvtepi16_epi8(_mm512_srai_epi16(_mm512_sub_epi16(all, low), 8));
  if constexpr (kInHalves) {
    auto* const to = reinterpret_cast<__m128i*>(values) + index / 4 * 16 + index % 4;
    _mm_storeu_si128(to, _mm256_castsi256_si128(high_bytes));
    _mm_storeu_si128(to + 4, _mm256_extracti128_si256(high_bytes, 1));
    _mm_storeu_si128(to + 8, _mm256_castsi256_si128(low_bytes));
    _mm_storeu_si128(to + 12, _mm256_extracti128_si256(low_bytes, 1));
  } else {
    auto* const to = reinterpret_cast<__m256i*>(values) + index / 2 * 4 + index % 2;
    _mm256_storeu_si256(to, high_bytes);
    _mm256_storeu_si256(to + 2, low_bytes);
  }
}

#endif

inline int32_t add_up(const int16_t* values, int64_t count) {
  const hn::CappedTag<int16_t, 16> d;
  const hn::RepartitionToWide<decltype(d)> d32;
  auto even = hn::Zero(d32), odd = hn::Zero(d32);
  for (int64_t j = 0; j < count; j += static_cast<int64_t>(hn::Lanes(d))) {
    even = hn::ReorderWidenMulAccumulate(d32, hn::LoadU(d, values + j), hn::Set(d, int16_t{1}), even, odd);
  }
  return hn::GetLane(hn::SumOfLanes(d32, hn::Add(even, odd)));
}

#else

inline void arrange_run(const int16_t* natural, int16_t* values) { std::copy_n(natural, kRun, values); }
inline int32_t add_up(const int16_t* values, int64_t count) { return std::accumulate(values, values + count, 0); }

#endif

template <class Arrange>
HWY_INLINE void round_row_by(Arrange arrange, const float* x, int64_t columns, int64_t group, const RoundedRow& row) {
  // The last run may stand beside some of zeros.
  std::fill(row.values + columns / kPadding * kPadding, row.values + padded(columns), int16_t{0});
  int16_t natural[kRun];
  for (int64_t i = 0; i < columns; i += kRun) {
    const float step = round_run(x + i, natural);
    arrange(natural, i / kRun);
    for (int64_t g = i / group; g < (i + kRun) / group; ++g) {
      row.scale[g] = step;
      row.sum[g] = step * static_cast<float>(add_up(natural + (g * group - i), group));
    }
  }
  std::fill(row.scale + columns / group, row.scale + padded(columns) / group, 0.0F);
  std::fill(row.sum + columns / group, row.sum + padded(columns) / group, 0.0F);
}

// In the order of words.
inline void round_row(const float* x, int64_t columns, int64_t group, const RoundedRow& row) {
  const auto arrange = [&](const int16_t* run, int64_t index) HWY_ATTR { arrange_run(run, row.values + index * kRun); };
  round_row_by(arrange, x, columns, group, row);
}

#if HWY_TARGET == HWY_AVX3

// As vnni-inl.h reads it.
inline void round_row_bytes(const float* x, int64_t columns, int64_t group, const RoundedRow& row) {
  const auto arrange = [&](const int16_t* run, int64_t index) HWY_ATTR { split_run<false>(run, index, row.values); };
  round_row_by(arrange, x, columns, group, row);
}

// The same for weights in the halves of bytes.
inline void round_row_halves(const float* x, int64_t columns, int64_t group, const RoundedRow& row) {
  const auto arrange = [&](const int16_t* run, int64_t index) HWY_ATTR { split_run<true>(run, index, row.values); };
  round_row_by(arrange, x, columns, group, row);
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
