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

// Rows of x as 16-bit integers.
struct Activations {
  int16_t* values;  // [m, columns]
  float* scale;     // [m, columns / group], of the run that the group lies in
  float* sum;       // [m, columns / group], of each group's x; null where the format has no offsets
};

// A row of the weight.
struct Groups {
  const int8_t* q;
  const float* scale;
  const float* offset;
};

}  // namespace imago::quant
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sum over groups of factor[g] * (q . x of group g)
template <int kGroup>
HWY_INLINE float dot_groups(const int8_t* HWY_RESTRICT q, const int16_t* HWY_RESTRICT x,
                            const float* HWY_RESTRICT factor, int64_t groups) {
  const hn::CappedTag<int16_t, kGroup> d16;
  const hn::Rebind<int8_t, decltype(d16)> d8;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const hn::RebindToFloat<decltype(d32)> df;
  constexpr int64_t kLanes = hn::MaxLanes(d16);
  const auto add_group = [&](int64_t g, hn::Vec<decltype(df)> sum) HWY_ATTR {
    auto even = hn::Zero(d32), odd = hn::Zero(d32);
    for (int64_t j = 0; j < kGroup; j += kLanes) {
      const auto w = hn::PromoteTo(d16, hn::LoadU(d8, q + g * kGroup + j));
      even = hn::ReorderWidenMulAccumulate(d32, w, hn::LoadU(d16, x + g * kGroup + j), even, odd);
    }
    return hn::MulAdd(hn::ConvertTo(df, hn::Add(even, odd)), hn::Set(df, factor[g]), sum);
  };
  // Four sums, because each addition waits for the one before.
  auto sum0 = hn::Zero(df), sum1 = hn::Zero(df), sum2 = hn::Zero(df), sum3 = hn::Zero(df);
  int64_t g = 0;
  for (; g + 4 <= groups; g += 4) {
    sum0 = add_group(g, sum0);
    sum1 = add_group(g + 1, sum1);
    sum2 = add_group(g + 2, sum2);
    sum3 = add_group(g + 3, sum3);
  }
  for (; g < groups; ++g) sum0 = add_group(g, sum0);
  return hn::GetLane(hn::SumOfLanes(df, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

HWY_INLINE void multiply_arrays(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, float* HWY_RESTRICT product,
                                int64_t size) {
  for (int64_t i = 0; i < size; ++i) product[i] = a[i] * b[i];
}

HWY_INLINE float dot_floats(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, int64_t size) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto total = hn::Zero(d);
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) total = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), total);
  float sum = hn::GetLane(hn::SumOfLanes(d, total));
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

// One row of the weight against row i of x.
float dot_row(const Groups& row, const Activations& x, int64_t i, int64_t columns, int64_t group, float* factor) {
  const int64_t groups = columns / group;
  multiply_arrays(row.scale, x.scale + i * groups, factor, groups);
  const int16_t* values = x.values + i * columns;
  float sum =
      group == 32 ? dot_groups<32>(row.q, values, factor, groups) : dot_groups<16>(row.q, values, factor, groups);
  if (x.sum != nullptr) sum += dot_floats(row.offset, x.sum + i * groups, groups);
  return sum;
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::quant {
namespace {

HWY_EXPORT(round_row);
HWY_EXPORT(dot_row);

// Memory of one call, in one piece: rows of x on the calling thread.
struct ActivationMemory {
  kernels::Scratch values, floats;

  Activations round(const GroupMatrix& w, const float* x, int64_t m, int64_t stride) {
    const int64_t groups = w.columns / w.format.group;
    Activations a{values.get<int16_t>(m * w.columns), floats.get<float>(2 * m * groups), nullptr};
    if (w.format.has_offset) a.sum = a.scale + m * groups;
    for (int64_t i = 0; i < m; ++i) {
      HWY_DYNAMIC_DISPATCH(round_row)
      (x + i * stride, w.columns, w.format.group, a.values + i * w.columns, a.scale + i * groups,
       a.sum == nullptr ? nullptr : a.sum + i * groups);
    }
    return a;
  }
};

}  // namespace

void multiply_groups(const GroupMatrix& w, const float* x, int64_t m, int64_t stride, const float* bias, float* y) {
  thread_local ActivationMemory memory;
  const Activations activations = memory.round(w, x, m, stride);
  const int64_t blocks = w.columns / w.format.block_elements, row_bytes = blocks * w.format.block_bytes;
  const int64_t groups = w.columns / w.format.group;
  const auto dot = HWY_DYNAMIC_DISPATCH(dot_row);
  const int64_t grain = std::max<int64_t>((32 << 10) / row_bytes, 1);  // less is not worth waking a thread for
  parallel_for(w.rows, grain, [&](int64_t begin, int64_t end) {
    thread_local kernels::Scratch integers, floats;
    auto* q = integers.get<int8_t>(w.columns);
    float* scale = floats.get<float>(3 * groups);
    float *offset = scale + groups, *factor = offset + groups;
    for (int64_t r = begin; r < end; ++r) {
      w.format.unpack(w.data + r * row_bytes, blocks, q, scale, offset);
      for (int64_t i = 0; i < m; ++i) {
        const float sum = dot({q, scale, offset}, activations, i, w.columns, w.format.group, factor);
        y[i * w.rows + r] = bias == nullptr ? sum : sum + bias[r];
      }
    }
  });
}

}  // namespace imago::quant
#endif
