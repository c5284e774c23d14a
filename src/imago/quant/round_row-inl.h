// A row of x as 16-bit integers, compiled once per target.
#if defined(IMAGO_QUANT_ROUND_ROW_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_QUANT_ROUND_ROW_INL_H
#undef IMAGO_QUANT_ROUND_ROW_INL_H
#else
#define IMAGO_QUANT_ROUND_ROW_INL_H
#endif

#include <hwy/highway.h>

#include <bit>
#include <cmath>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Each run of 32 elements has a scale of its own, which all groups in it get. `sum` [columns / group] becomes the sum
// of each group's x, unless it is null.
inline void round_row(const float* x, int64_t columns, int64_t group, int16_t* values, float* scale, float* sum) {
  constexpr int64_t kRun = 32;
  const hn::CappedTag<float, 8> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<int16_t, decltype(df)> d16;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(df));
  for (int64_t i = 0; i < columns; i += kRun) {
    // The bits of magnitudes are in their order, with NaN above infinity, so that either makes the run's scale one too,
    // and so the products, as it would in float.
    auto largest = hn::Zero(di);
    for (int64_t j = 0; j < kRun; j += lanes) {
      largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(df, x + i + j))));
    }
    const float range = std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(di, largest)));
    const float step = range / 32767, reciprocal = 32767 / range;
    const float inverse = std::isfinite(range) && std::isfinite(reciprocal) ? reciprocal : 0;
    const auto factor = hn::Set(df, inverse);
    for (int64_t j = 0; j < kRun; j += lanes) {
      const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(df, x + i + j), factor));
      hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di, rounded)), d16, values + i + j);
    }
    for (int64_t g = i / group; g < (i + kRun) / group; ++g) {
      scale[g] = step;
      if (sum == nullptr) continue;
      auto total = hn::Zero(df);
      for (int64_t j = 0; j < group; j += lanes) total = hn::Add(total, hn::LoadU(df, x + g * group + j));
      sum[g] = hn::GetLane(hn::SumOfLanes(df, total));
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
