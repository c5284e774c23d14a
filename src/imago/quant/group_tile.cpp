#include "imago/quant/group_tile.h"

#include <algorithm>
#include <cstring>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/kernels/cpu/simd.h"
#include "imago/quant/vnni.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/group_tile.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/quant/round_row-inl.h"

#ifndef IMAGO_QUANT_GROUP_TILE_TYPES
#define IMAGO_QUANT_GROUP_TILE_TYPES
namespace imago::quant {

inline constexpr int64_t kTileRows = 4;     // of x: with 6 the sums would fit in 16 registers, but GCC spills them
inline constexpr int64_t kTileVectors = 2;  // of the weight's rows
inline constexpr int64_t kChunk = 512;      // columns at a time, for which the weight's part stays in the first cache

// Rows of x in tiles: pairs of neighbouring columns next to those of the tile's other rows.
struct TiledRows {
  int64_t tiles = 0;
  int32_t* pairs;  // [tiles, columns / 2, kTileRows]
  float* scale;    // [tiles, groups, kTileRows]
  float* sum;      // likewise, of each group's x
};

// Rows of the weight, side by side.
struct Panel {
  int32_t* pairs;         // [columns / 2, width], two columns in each
  float *scale, *offset;  // [groups, width]
};

}  // namespace imago::quant
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

// Products of pairs of 16-bit integers are summed into the 32 bits that hold them; other instruction sets sum other
// pairs.
int64_t tile_width() { return kTileVectors * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<int32_t>())); }

using PairTag = hn::ScalableTag<int16_t>;
using SumTag = hn::ScalableTag<int32_t>;

// The sum plus the products of each lane's two pairs. Tied together, for GCC takes all products of a tile before it
// adds the first, which spills sums. By value: references to sums would keep them in memory.
template <bool kVnni>
HWY_INLINE hn::Vec<SumTag> multiply_add(hn::Vec<PairTag> a, hn::Vec<PairTag> b, hn::Vec<SumTag> sum) {
  auto total = sum.raw, product = sum.raw;
  if constexpr (kVnni) {
    asm("vpdpwssd %1, %2, %0" : "+v"(total) : "v"(a.raw), "v"(b.raw));
    return hn::Vec<SumTag>{total};
  }
  asm("vpmaddwd %2, %3, %1\n\tvpaddd %1, %0, %0" : "+v"(total), "=&v"(product) : "v"(a.raw), "v"(b.raw));
  return hn::Vec<SumTag>{total};
}

template <int kGroup, bool kHasOffset, bool kVnni>
HWY_INLINE void multiply_tile(const int32_t* HWY_RESTRICT w, const float* HWY_RESTRICT w_scale,
                              const float* HWY_RESTRICT w_offset, const int32_t* HWY_RESTRICT x,
                              const float* HWY_RESTRICT x_scale, const float* HWY_RESTRICT x_sum, int64_t groups,
                              float* HWY_RESTRICT c) {
  const SumTag d32;
  const PairTag d16;
  const hn::ScalableTag<float> df;
  constexpr int64_t kLanes = hn::MaxLanes(d32), kWidth = kTileVectors * kLanes;
  // 32 registers hold the totals of all groups, too; 16 do not.
  constexpr bool kTotalsStay = HWY_TARGET == HWY_AVX3;
  hn::Vec<decltype(df)> totals[kTileRows][kTileVectors];
  const auto at = [&](int64_t i, int64_t v) { return c + i * kWidth + v * kLanes; };
  for (int64_t i = 0; i < kTileRows; ++i) {
    for (int64_t v = 0; v < kTileVectors; ++v) totals[i][v] = kTotalsStay ? hn::LoadU(df, at(i, v)) : hn::Zero(df);
  }
  for (int64_t g = 0; g < groups; ++g) {
    hn::Vec<decltype(d32)> sums[kTileRows][kTileVectors];
    for (auto& row : sums) {
      for (auto& sum : row) sum = hn::Zero(d32);
    }
    for (int64_t pair = g * kGroup / 2; pair < (g + 1) * kGroup / 2; ++pair) {
      const auto w0 = hn::BitCast(d16, hn::Load(d32, w + pair * kWidth));
      const auto w1 = hn::BitCast(d16, hn::Load(d32, w + pair * kWidth + kLanes));
      for (int64_t i = 0; i < kTileRows; ++i) {
        const auto both = hn::BitCast(d16, hn::Set(d32, x[pair * kTileRows + i]));
        sums[i][0] = multiply_add<kVnni>(w0, both, sums[i][0]);
        sums[i][1] = multiply_add<kVnni>(w1, both, sums[i][1]);
      }
    }
    for (int64_t v = 0; v < kTileVectors; ++v) {
      const auto scale = hn::LoadU(df, w_scale + g * kWidth + v * kLanes);
      for (int64_t i = 0; i < kTileRows; ++i) {
        const auto factor = hn::Mul(scale, hn::Set(df, x_scale[g * kTileRows + i]));
        auto total = kTotalsStay ? totals[i][v] : hn::LoadU(df, at(i, v));
        total = hn::MulAdd(hn::ConvertTo(df, sums[i][v]), factor, total);
        if constexpr (kHasOffset) {
          const auto offset = hn::LoadU(df, w_offset + g * kWidth + v * kLanes);
          total = hn::MulAdd(offset, hn::Set(df, x_sum[g * kTileRows + i]), total);
        }
        if (kTotalsStay) {
          totals[i][v] = total;
        } else {
          hn::StoreU(total, df, at(i, v));
        }
      }
    }
  }
  if (!kTotalsStay) return;
  for (int64_t i = 0; i < kTileRows; ++i) {
    for (int64_t v = 0; v < kTileVectors; ++v) hn::StoreU(totals[i][v], df, at(i, v));
  }
}

// Columns come in runs of 32. A unit is a pair of neighbours in the order of RoundedRow; in a panel and in a tile,
// units of the first 16 columns come before the others, so that groups of 16 lie together: even columns' unit j is at
// kRunUnits[j], odd ones' four further.
inline constexpr int64_t kUnitsOfRun = kRun / 2, kOddUnits = 4;
inline constexpr int64_t kUnitAt[8] = {0, 1, 2, 3, 8, 9, 10, 11};

using UnitTag = hn::CappedTag<int32_t, 8>;
using Units = hn::Vec<UnitTag>;

// Lanes j and j + 4 of four vectors, side by side, become the halves of vector j.
HWY_INLINE void transpose_halves(const Units (&from)[4], Units (&to)[4]) {
  const UnitTag d;
  const hn::Repartition<int64_t, UnitTag> d64;
  const auto low01 = hn::BitCast(d64, hn::InterleaveLower(d, from[0], from[1]));
  const auto low23 = hn::BitCast(d64, hn::InterleaveLower(d, from[2], from[3]));
  const auto high01 = hn::BitCast(d64, hn::InterleaveUpper(d, from[0], from[1]));
  const auto high23 = hn::BitCast(d64, hn::InterleaveUpper(d, from[2], from[3]));
  to[0] = hn::BitCast(d, hn::InterleaveLower(d64, low01, low23));
  to[1] = hn::BitCast(d, hn::InterleaveUpper(d64, low01, low23));
  to[2] = hn::BitCast(d, hn::InterleaveLower(d64, high01, high23));
  to[3] = hn::BitCast(d, hn::InterleaveUpper(d64, high01, high23));
}

// Eight rows of units in `to`, `width` rows apart.
HWY_INLINE void store_columns(const Units (&rows)[8], int64_t width, int32_t* to) {
  const UnitTag d;
  Units first[4], last[4];
  transpose_halves({rows[0], rows[1], rows[2], rows[3]}, first);
  transpose_halves({rows[4], rows[5], rows[6], rows[7]}, last);
  for (int j = 0; j < 4; ++j) {
    hn::StoreU(hn::ConcatLowerLower(d, last[j], first[j]), d, to + kUnitAt[j] * width);
    hn::StoreU(hn::ConcatUpperUpper(d, last[j], first[j]), d, to + kUnitAt[j + 4] * width);
  }
}

// Eight rows of the weight, `stride` bytes apart, into a panel that is `width` wide.
void arrange_weights(const int8_t* q, int64_t stride, int64_t columns, int64_t width, int32_t* pairs) {
  const Bytes d;
  const hn::Repartition<int16_t, Bytes> d16;
  const UnitTag d32;
  for (int64_t at = 0; at < columns; at += kRun, pairs += kUnitsOfRun * width) {
    Units even[8], odd[8];
    for (int n = 0; n < 8; ++n) {
      const auto words = hn::BitCast(d16, hn::LoadU(d, reinterpret_cast<const uint8_t*>(q + n * stride + at)));
      even[n] = hn::BitCast(d32, hn::ShiftRight<8>(hn::ShiftLeft<8>(words)));
      odd[n] = hn::BitCast(d32, hn::ShiftRight<8>(words));
    }
    store_columns(even, width, pairs);
    store_columns(odd, width, pairs + kOddUnits * width);
  }
}

// kTileRows rounded rows of x, `stride` apart.
void arrange_rows(const int16_t* values, int64_t stride, int64_t columns, int32_t* pairs) {
  static_assert(kTileRows == 4);
  const hn::Repartition<int16_t, UnitTag> d16;
  const UnitTag d;
  const hn::Half<UnitTag> half;
  for (int64_t at = 0; at < columns; at += kRun / 2) {
    Units rows[4], to[4];
    for (int i = 0; i < 4; ++i) rows[i] = hn::BitCast(d, hn::LoadU(d16, values + i * stride + at));
    transpose_halves(rows, to);
    const bool odd = at % kRun != 0;
    int32_t* const run = pairs + (at / kRun * kUnitsOfRun + (odd ? kOddUnits : 0)) * kTileRows;
    for (int j = 0; j < 4; ++j) {
      hn::StoreU(hn::LowerHalf(half, to[j]), half, run + kUnitAt[j] * kTileRows);
      hn::StoreU(hn::UpperHalf(half, to[j]), half, run + kUnitAt[j + 4] * kTileRows);
    }
  }
}

template <int kGroup, bool kHasOffset, bool kVnni>
void multiply_panel_of(const Panel& panel, const TiledRows& x, int64_t columns, float* c) {
  const int64_t width = tile_width(), groups = columns / kGroup, chunk = kChunk / kGroup;
  for (int64_t first = 0; first < groups; first += chunk) {
    const int64_t count = std::min(chunk, groups - first), pair = first * kGroup / 2;
    for (int64_t tile = 0; tile < x.tiles; ++tile) {
      const int64_t at = (tile * groups + first) * kTileRows;
      multiply_tile<kGroup, kHasOffset, kVnni>(panel.pairs + pair * width, panel.scale + first * width,
                                               panel.offset + first * width,
                                               x.pairs + (tile * columns / 2 + pair) * kTileRows, x.scale + at,
                                               x.sum + at, count, c + tile * kTileRows * width);
    }
  }
}

template <bool kVnni>
void multiply_panel_by(const Panel& panel, const TiledRows& x, int64_t columns, int64_t group, bool has_offset,
                       float* c) {
  if (group == 32) {
    return has_offset ? multiply_panel_of<32, true, kVnni>(panel, x, columns, c)
                      : multiply_panel_of<32, false, kVnni>(panel, x, columns, c);
  }
  return has_offset ? multiply_panel_of<16, true, kVnni>(panel, x, columns, c)
                    : multiply_panel_of<16, false, kVnni>(panel, x, columns, c);
}

void multiply_panel(const Panel& panel, const TiledRows& x, int64_t columns, int64_t group, bool has_offset, float* c) {
#if HWY_TARGET == HWY_AVX3
  if (has_vnni()) return multiply_panel_by<true>(panel, x, columns, group, has_offset, c);
#endif
  multiply_panel_by<false>(panel, x, columns, group, has_offset, c);
}

#else

int64_t tile_width() { return 0; }
void multiply_panel(const Panel&, const TiledRows&, int64_t, int64_t, bool, float*) {}
void arrange_weights(const int8_t*, int64_t, int64_t, int64_t, int32_t*) {}
void arrange_rows(const int16_t*, int64_t, int64_t, int32_t*) {}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::quant {
namespace {

HWY_EXPORT(tile_width);
HWY_EXPORT(multiply_panel);
HWY_EXPORT(round_row);
HWY_EXPORT(arrange_rows);
HWY_EXPORT(arrange_weights);

struct RowMemory {
  kernels::Scratch pairs, floats;
};

// Rows of x beyond m are zeros.
TiledRows tile_rows(const GroupMatrix& w, const float* x, int64_t m, int64_t stride, RowMemory& memory) {
  const int64_t groups = w.columns / w.format.group, tiles = (m + kTileRows - 1) / kTileRows;
  TiledRows rows{tiles, memory.pairs.get<int32_t>(tiles * kTileRows * w.columns / 2),
                 memory.floats.get<float>(2 * tiles * kTileRows * groups), nullptr};
  rows.sum = rows.scale + tiles * kTileRows * groups;
  parallel_for(tiles, 4, [&](int64_t begin, int64_t end) {
    thread_local kernels::Scratch integers, floats;
    const int64_t size = padded(w.columns), padded_groups = size / w.format.group;
    auto* values = integers.get<int16_t>(kTileRows * size);
    float *scale = floats.get<float>(2 * padded_groups), *sum = scale + padded_groups;
    for (int64_t tile = begin; tile < end; ++tile) {
      for (int64_t i = 0; i < kTileRows; ++i) {
        const int64_t row = tile * kTileRows + i;
        const RoundedRow rounded{values + i * size, scale, sum};
        if (row < m) {
          HWY_DYNAMIC_DISPATCH(round_row)(x + row * stride, w.columns, w.format.group, rounded);
        } else {
          std::fill_n(rounded.values, size, int16_t{0});
          std::fill_n(scale, 2 * padded_groups, 0.0F);
        }
        for (int64_t g = 0; g < groups; ++g) {
          rows.scale[(tile * groups + g) * kTileRows + i] = scale[g];
          rows.sum[(tile * groups + g) * kTileRows + i] = sum[g];
        }
      }
      int32_t* const pairs = rows.pairs + tile * kTileRows * w.columns / 2;
      HWY_DYNAMIC_DISPATCH(arrange_rows)(values, size, w.columns, pairs);
    }
  });
  return rows;
}

// Rows that are unpacked and arranged at a time.
constexpr int64_t kArrangedRows = 8;

// Rows of the weight beyond its last are zeros.
void fill_panel(const GroupMatrix& w, int64_t first, int64_t width, int8_t* q, float* scale, Panel& panel) {
  const int64_t blocks = w.columns / w.format.block_elements, groups = w.columns / w.format.group;
  float* offset = scale + groups;
  const auto unpack = w.format.kernels().unpack;
  for (int64_t n = 0; n < width; ++n) {
    int8_t* const row = q + n % kArrangedRows * w.columns;
    if (first + n < w.rows) {
      unpack(w.data + (first + n) * blocks * w.format.block_bytes, blocks, row, scale, offset);
    } else {
      std::fill_n(row, w.columns, int8_t{0});
      std::fill_n(scale, 2 * groups, 0.0F);
    }
    for (int64_t g = 0; g < groups; ++g) {
      panel.scale[g * width + n] = scale[g];
      panel.offset[g * width + n] = offset[g];
    }
    if (n % kArrangedRows != kArrangedRows - 1) continue;
    int32_t* const pairs = panel.pairs + n - (kArrangedRows - 1);
    HWY_DYNAMIC_DISPATCH(arrange_weights)(q, w.columns, w.columns, width, pairs);
  }
}

struct PanelMemory {
  kernels::Scratch integers, floats, pairs, sums;
};

}  // namespace

bool multiply_tiles(const GroupMatrix& w, const float* x, int64_t m, int64_t stride, const float* bias, float* y) {
  const int64_t width = HWY_DYNAMIC_DISPATCH(tile_width)();
  if (width == 0) return false;
  thread_local RowMemory row_memory;
  const TiledRows rows = tile_rows(w, x, m, stride, row_memory);
  const int64_t groups = w.columns / w.format.group;
  parallel_for((w.rows + width - 1) / width, 1, [&](int64_t begin, int64_t end) {
    thread_local PanelMemory memory;
    auto* q = memory.integers.get<int8_t>(kArrangedRows * w.columns);
    float* scale = memory.floats.get<float>((2 + 2 * width) * groups);
    Panel panel{memory.pairs.get<int32_t>(w.columns / 2 * width), scale + 2 * groups, scale + (2 + width) * groups};
    const int64_t sums_size = rows.tiles * kTileRows * width;
    float* sums = memory.sums.get<float>(sums_size);
    for (int64_t index = begin; index < end; ++index) {
      const int64_t first = index * width, count = std::min(width, w.rows - first);
      fill_panel(w, first, width, q, scale, panel);
      std::fill_n(sums, sums_size, 0.0F);
      HWY_DYNAMIC_DISPATCH(multiply_panel)(panel, rows, w.columns, w.format.group, w.format.has_offset, sums);
      for (int64_t i = 0; i < m; ++i) {
        float* to = y + i * w.rows + first;
        for (int64_t n = 0; n < count; ++n) to[n] = sums[i * width + n] + (bias == nullptr ? 0 : bias[first + n]);
      }
    }
  });
  return true;
}

}  // namespace imago::quant
#endif
