#include "imago/quant/group_tile.h"

#include <algorithm>
#include <cstring>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/kernels/cpu/simd.h"

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
  int16_t* pairs;         // [columns / 2, width, 2]
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

template <int kGroup, bool kHasOffset>
HWY_INLINE void multiply_tile(const int16_t* HWY_RESTRICT w, const float* HWY_RESTRICT w_scale,
                              const float* HWY_RESTRICT w_offset, const int32_t* HWY_RESTRICT x,
                              const float* HWY_RESTRICT x_scale, const float* HWY_RESTRICT x_sum, int64_t groups,
                              float* HWY_RESTRICT c) {
  const hn::ScalableTag<int32_t> d32;
  const hn::ScalableTag<int16_t> d16;
  const hn::ScalableTag<float> df;
  constexpr int64_t kLanes = hn::MaxLanes(d32), kWidth = kTileVectors * kLanes;
  for (int64_t g = 0; g < groups; ++g) {
    hn::Vec<decltype(d32)> sums[kTileRows][kTileVectors];
    for (auto& row : sums) {
      for (auto& sum : row) sum = hn::Zero(d32);
    }
    for (int64_t pair = g * kGroup / 2; pair < (g + 1) * kGroup / 2; ++pair) {
      const auto w0 = hn::Load(d16, w + pair * kWidth * 2), w1 = hn::Load(d16, w + pair * kWidth * 2 + 2 * kLanes);
      for (int64_t i = 0; i < kTileRows; ++i) {
        const auto both = hn::BitCast(d16, hn::Set(d32, x[pair * kTileRows + i]));
        auto unused = hn::Zero(d32);
        sums[i][0] = hn::ReorderWidenMulAccumulate(d32, w0, both, sums[i][0], unused);
        sums[i][1] = hn::ReorderWidenMulAccumulate(d32, w1, both, sums[i][1], unused);
      }
    }
    for (int64_t v = 0; v < kTileVectors; ++v) {
      const auto scale = hn::LoadU(df, w_scale + g * kWidth + v * kLanes);
      for (int64_t i = 0; i < kTileRows; ++i) {
        float* to = c + i * kWidth + v * kLanes;
        const auto factor = hn::Mul(scale, hn::Set(df, x_scale[g * kTileRows + i]));
        auto total = hn::MulAdd(hn::ConvertTo(df, sums[i][v]), factor, hn::LoadU(df, to));
        if constexpr (kHasOffset) {
          const auto offset = hn::LoadU(df, w_offset + g * kWidth + v * kLanes);
          total = hn::MulAdd(offset, hn::Set(df, x_sum[g * kTileRows + i]), total);
        }
        hn::StoreU(total, df, to);
      }
    }
  }
}

template <int kGroup, bool kHasOffset>
void multiply_panel_of(const Panel& panel, const TiledRows& x, int64_t columns, float* c) {
  const int64_t width = tile_width(), groups = columns / kGroup, chunk = kChunk / kGroup;
  for (int64_t first = 0; first < groups; first += chunk) {
    const int64_t count = std::min(chunk, groups - first), pair = first * kGroup / 2;
    for (int64_t tile = 0; tile < x.tiles; ++tile) {
      const int64_t at = (tile * groups + first) * kTileRows;
      multiply_tile<kGroup, kHasOffset>(panel.pairs + pair * width * 2, panel.scale + first * width,
                                        panel.offset + first * width, x.pairs + (tile * columns / 2 + pair) * kTileRows,
                                        x.scale + at, x.sum + at, count, c + tile * kTileRows * width);
    }
  }
}

void multiply_panel(const Panel& panel, const TiledRows& x, int64_t columns, int64_t group, bool has_offset, float* c) {
  if (group == 32) {
    return has_offset ? multiply_panel_of<32, true>(panel, x, columns, c)
                      : multiply_panel_of<32, false>(panel, x, columns, c);
  }
  return has_offset ? multiply_panel_of<16, true>(panel, x, columns, c)
                    : multiply_panel_of<16, false>(panel, x, columns, c);
}

#else

int64_t tile_width() { return 0; }
void multiply_panel(const Panel&, const TiledRows&, int64_t, int64_t, bool, float*) {}

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
    auto* values = integers.get<int16_t>(w.columns);
    float *scale = floats.get<float>(2 * groups), *sum = scale + groups;
    for (int64_t row = begin * kTileRows; row < end * kTileRows; ++row) {
      const int64_t tile = row / kTileRows, i = row % kTileRows;
      if (row < m) {
        HWY_DYNAMIC_DISPATCH(round_row)(x + row * stride, w.columns, w.format.group, values, scale, sum);
      } else {
        std::fill_n(values, w.columns, int16_t{0});
        std::fill_n(scale, 2 * groups, 0.0F);
      }
      int32_t* pairs = rows.pairs + tile * kTileRows * w.columns / 2 + i;
      for (int64_t p = 0; p < w.columns / 2; ++p) std::memcpy(pairs + p * kTileRows, values + 2 * p, sizeof(int32_t));
      for (int64_t g = 0; g < groups; ++g) {
        rows.scale[(tile * groups + g) * kTileRows + i] = scale[g];
        rows.sum[(tile * groups + g) * kTileRows + i] = sum[g];
      }
    }
  });
  return rows;
}

// Rows of the weight beyond its last are zeros.
void fill_panel(const GroupMatrix& w, int64_t first, int64_t width, int8_t* q, float* scale, Panel& panel) {
  const int64_t blocks = w.columns / w.format.block_elements, groups = w.columns / w.format.group;
  float* offset = scale + groups;
  for (int64_t n = 0; n < width; ++n) {
    if (first + n < w.rows) {
      w.format.unpack(w.data + (first + n) * blocks * w.format.block_bytes, blocks, q, scale, offset);
    } else {
      std::fill_n(q, w.columns, int8_t{0});
      std::fill_n(scale, 2 * groups, 0.0F);
    }
    for (int64_t p = 0; p < w.columns / 2; ++p) {
      const int16_t pair[2] = {q[2 * p], q[2 * p + 1]};
      std::memcpy(panel.pairs + (p * width + n) * 2, pair, sizeof(pair));
    }
    for (int64_t g = 0; g < groups; ++g) {
      panel.scale[g * width + n] = scale[g];
      panel.offset[g * width + n] = offset[g];
    }
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
    auto* q = memory.integers.get<int8_t>(w.columns);
    float* scale = memory.floats.get<float>((2 + 2 * width) * groups);
    Panel panel{memory.pairs.get<int16_t>(w.columns * width), scale + 2 * groups, scale + (2 + width) * groups};
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
