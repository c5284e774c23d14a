#include "imago/quant/group_product.h"

#include <algorithm>
#include <cmath>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/group_product.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/quant/round_row-inl.h"

#ifndef IMAGO_QUANT_GROUP_PRODUCT_TYPES
#define IMAGO_QUANT_GROUP_PRODUCT_TYPES
namespace imago::quant {

// A row of the weight.
struct Groups {
  const int8_t* q;
  const float* scale;
  const float* offset;
};

// Rows of x that are multiplied at a time: more sums than fit in registers are slower than splitting q again.
inline constexpr int64_t kDotRows = 4;

}  // namespace imago::quant
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR

using D16 = hn::Repartition<int16_t, Bytes>;
using D32 = hn::Repartition<int32_t, Bytes>;
using DF = hn::Repartition<float, Bytes>;

// Sums of one row's products with kRows rows of x, lane by lane.
template <int kGroup, int kRows>
struct RowTotals {
  static constexpr int64_t kBytes = static_cast<int64_t>(hn::MaxLanes(Bytes()));
  static constexpr int64_t kFloats = static_cast<int64_t>(hn::MaxLanes(DF()));
  static constexpr int64_t kGroups = kPadding / kGroup;

  // The groups from `first`, of which `count` elements are there; all arrays are padded.
  HWY_INLINE void add(const Groups& row, const RoundedRow* x, int64_t first, int64_t count) {
    HWY_ALIGN float factor[kRows][kGroups];
    const DF df;
    for (int64_t g = 0; g < kGroups; g += kFloats) {
      const auto scale = hn::LoadU(df, row.scale + first + g);
      for (int i = 0; i < kRows; ++i) {
        hn::Store(hn::Mul(scale, hn::LoadU(df, x[i].scale + first + g)), df, factor[i] + g);
        if (row.offset == nullptr) continue;
        sums[i] = hn::MulAdd(hn::LoadU(df, row.offset + first + g), hn::LoadU(df, x[i].sum + first + g), sums[i]);
      }
    }
    for (int64_t at = 0; at < count; at += kBytes) {
      const int16_t* values[kRows];
      const float* factors[kRows];
      for (int i = 0; i < kRows; ++i) {
        values[i] = x[i].values + first * kGroup + at;
        factors[i] = factor[i] + at / kGroup;
      }
      add_vector(row.q + first * kGroup + at, values, factors);
    }
  }

  HWY_INLINE void add_vector(const int8_t* q, const int16_t* const (&x)[kRows], const float* const (&factor)[kRows]) {
    const D16 d16;
    const D32 d32;
    const DF df;
    const auto words = hn::BitCast(d16, hn::LoadU(Bytes(), reinterpret_cast<const uint8_t*>(q)));
    const auto even = hn::ShiftRight<8>(hn::ShiftLeft<8>(words)), odd = hn::ShiftRight<8>(words);
    for (int i = 0; i < kRows; ++i) {
      auto low = hn::Zero(d32), high = hn::Zero(d32);
      low = hn::ReorderWidenMulAccumulate(d32, even, hn::LoadU(d16, x[i]), low, high);
      low = hn::ReorderWidenMulAccumulate(d32, odd, hn::LoadU(d16, x[i] + kBytes / 2), low, high);
      sums[i] = hn::MulAdd(hn::ConvertTo(df, hn::Add(low, high)), broadcast_factors<kGroup>(factor[i]), sums[i]);
    }
  }

  hn::Vec<DF> sums[kRows];
};

template <int kGroup, int kRows>
void dot_rows(const Groups& row, const RoundedRow* x, int64_t columns, float* y, int64_t stride) {
  const DF df;
  RowTotals<kGroup, kRows> totals;
  for (auto& sum : totals.sums) sum = hn::Zero(df);
  for (int64_t i = 0; i < columns; i += kPadding) totals.add(row, x, i / kGroup, std::min(kPadding, columns - i));
  for (int i = 0; i < kRows; ++i) y[i * stride] = hn::GetLane(hn::SumOfLanes(df, totals.sums[i]));
}

#else

template <int kGroup, int kRows>
void dot_rows(const Groups& row, const RoundedRow* x, int64_t columns, float* y, int64_t stride) {
  for (int i = 0; i < kRows; ++i) {
    float sum = 0;
    for (int64_t g = 0; g < columns / kGroup; ++g) {
      int32_t products = 0;
      for (int64_t j = g * kGroup; j < (g + 1) * kGroup; ++j) products += row.q[j] * x[i].values[j];
      sum += row.scale[g] * x[i].scale[g] * static_cast<float>(products);
      if (row.offset != nullptr) sum += row.offset[g] * x[i].sum[g];
    }
    y[i * stride] = sum;
  }
}

#endif

template <int kGroup>
void dot_rows_of(const Groups& row, const RoundedRow* x, int64_t m, int64_t columns, float* y, int64_t stride) {
  static_assert(kDotRows == 4);
  int64_t i = 0;
  for (; i + 4 <= m; i += 4) dot_rows<kGroup, 4>(row, x + i, columns, y + i * stride, stride);
  if (m - i == 3) return dot_rows<kGroup, 3>(row, x + i, columns, y + i * stride, stride);
  if (m - i == 2) return dot_rows<kGroup, 2>(row, x + i, columns, y + i * stride, stride);
  if (m - i == 1) return dot_rows<kGroup, 1>(row, x + i, columns, y + i * stride, stride);
}

// y[i * stride] = row . row i of x
void multiply_rows(const Groups& row, const RoundedRow* x, int64_t m, int64_t columns, int64_t group, float* y,
                   int64_t stride) {
  return group == 32 ? dot_rows_of<32>(row, x, m, columns, y, stride) : dot_rows_of<16>(row, x, m, columns, y, stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::quant {
namespace {

HWY_EXPORT(multiply_rows);

// Rows of x, rounded on the calling thread.
struct RoundedRows {
  kernels::Scratch values, floats;
  RoundedRow rows[kMaxProductRows];

  void round(const GroupMatrix& w, const float* x, int64_t m, int64_t stride) {
    const int64_t size = padded(w.columns), groups = size / w.format.group;
    const auto round_one = w.format.kernels().round;
    auto* const all_values = values.get<int16_t>(m * size);
    float* const all_floats = floats.get<float>(2 * m * groups);
    for (int64_t i = 0; i < m; ++i) {
      rows[i] = {all_values + i * size, all_floats + 2 * i * groups, all_floats + (2 * i + 1) * groups};
      round_one(x + i * stride, w.columns, w.format.group, rows[i]);
    }
  }
};

// For more than one row of x, a row of the weight is unpacked to bytes in the nearest cache.
void multiply_unpacked(const GroupMatrix& w, const RoundedRow* x, int64_t m, int64_t begin, int64_t end, float* y) {
  thread_local kernels::Scratch integers, floats;
  const int64_t blocks = w.columns / w.format.block_elements, row_bytes = blocks * w.format.block_bytes;
  const int64_t size = padded(w.columns), groups = size / w.format.group;
  auto* const q = integers.get<int8_t>(size);
  float *const scale = floats.get<float>(2 * groups), *const offset = scale + groups;
  std::fill_n(scale, 2 * groups, 0.0F);
  const auto unpack = w.format.kernels().unpack;
  const auto multiply = HWY_DYNAMIC_DISPATCH(multiply_rows);
  for (int64_t r = begin; r < end; ++r) {
    unpack(w.data + r * row_bytes, blocks, q, scale, offset);
    multiply({q, scale, w.format.has_offset ? offset : nullptr}, x, m, w.columns, w.format.group, y + r, w.rows);
  }
}

}  // namespace

void multiply_groups(const GroupMatrix& w, const float* x, int64_t m, int64_t stride, const float* bias, float* y) {
  thread_local RoundedRows memory;
  memory.round(w, x, m, stride);
  const RoundedRow* const rounded = memory.rows;
  const int64_t blocks = w.columns / w.format.block_elements, row_bytes = blocks * w.format.block_bytes;
  const int64_t grain = std::max<int64_t>((32 << 10) / row_bytes, 1);  // less is not worth waking a thread for
  parallel_for(w.rows, grain, [&](int64_t begin, int64_t end) {
    if (m == 1) {
      w.format.kernels().multiply_row(w.data + begin * row_bytes, end - begin, blocks, *rounded, y + begin);
    } else if (const auto multiply_rows = w.format.kernels().multiply_rows; multiply_rows != nullptr) {
      multiply_rows(w.data + begin * row_bytes, end - begin, blocks, rounded, m, y + begin, w.rows);
    } else {
      multiply_unpacked(w, rounded, m, begin, end, y);
    }
    if (bias == nullptr) return;
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t r = begin; r < end; ++r) y[i * w.rows + r] += bias[r];
    }
  });
}

}  // namespace imago::quant
#endif
