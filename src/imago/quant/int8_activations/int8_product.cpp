#include "imago/quant/int8_activations/int8_product.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/kernels/cpu/simd.h"
#include "imago/quant/vnni.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/int8_activations/int8_product.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#ifndef IMAGO_QUANT_INT8_PRODUCT_TYPES
#define IMAGO_QUANT_INT8_PRODUCT_TYPES
namespace imago::quant {

inline constexpr int64_t kLanes = 16, kQuad = 4, kPanelBytes = kLanes * kQuad;
// Rows of x and panels of the weight that are multiplied at a time: 24 sums of 32 registers.
inline constexpr int64_t kTileRows = 6, kTilePanels = 4;

// `count` panels of the weight, which are `panel_bytes` apart, times rows of x, which are `stride` apart.
struct Int8Tile {
  const int8_t* w;
  int64_t panel_bytes, panels, quads;
  const uint8_t* x;
  int64_t stride, rows;
  int32_t* sums;  // [rows, panels * kLanes]
};

}  // namespace imago::quant
#endif

#if HWY_TARGET == HWY_AVX3
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni")
namespace imago::quant {
namespace HWY_NAMESPACE {

// As an intrinsic GCC keeps every sum of a tile in memory, too.
HWY_INLINE __m512i multiply_add(__m512i x, __m512i w, __m512i sum) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
  return sum;
}

template <int kRows, int kPanels>
void multiply_vnni(const Int8Tile& t) {
  __m512i sums[kRows][kPanels];
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
    for (int p = 0; p < kPanels; ++p) sums[i][p] = _mm512_setzero_si512();
  }
  for (int64_t q = 0; q < t.quads; ++q) {
    __m512i w[kPanels];
#pragma GCC unroll 8
    for (int p = 0; p < kPanels; ++p) w[p] = _mm512_loadu_si512(t.w + p * t.panel_bytes + q * kPanelBytes);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      int32_t four;
      __builtin_memcpy(&four, t.x + i * t.stride + q * kQuad, sizeof(four));
      const __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 8
      for (int p = 0; p < kPanels; ++p) sums[i][p] = multiply_add(x, w[p], sums[i][p]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
    for (int p = 0; p < kPanels; ++p) _mm512_storeu_si512(t.sums + (i * kPanels + p) * kLanes, sums[i][p]);
  }
}

template <int kPanels>
void multiply_vnni_panels(const Int8Tile& t) {
  switch (t.rows) {
    case 1: return multiply_vnni<1, kPanels>(t);
    case 2: return multiply_vnni<2, kPanels>(t);
    case 3: return multiply_vnni<3, kPanels>(t);
    case 4: return multiply_vnni<4, kPanels>(t);
    case 5: return multiply_vnni<5, kPanels>(t);
    default: return multiply_vnni<6, kPanels>(t);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_POP_ATTRIBUTES
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

// In 16 bits: four rows of the weight to a vector, two neighbouring products to a sum.
void multiply_words(const Int8Tile& t) {
  for (int64_t i = 0; i < t.rows; ++i) {
    for (int64_t p = 0; p < t.panels; ++p) {
      __m256i sums[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                         _mm256_setzero_si256()};
      for (int64_t q = 0; q < t.quads; ++q) {
        int32_t four;
        __builtin_memcpy(&four, t.x + i * t.stride + q * kQuad, sizeof(four));
        const __m256i x = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
        const auto* w = reinterpret_cast<const __m128i*>(t.w + p * t.panel_bytes + q * kPanelBytes);
        for (int v = 0; v < 4; ++v) {
          const __m256i wide = _mm256_cvtepi8_epi16(_mm_loadu_si128(w + v));
          sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(wide, x));
        }
      }
      int32_t* const to = t.sums + (i * t.panels + p) * kLanes;
      for (int v = 0; v < 4; ++v) {
        alignas(32) int32_t pairs[8];
        _mm256_store_si256(reinterpret_cast<__m256i*>(pairs), sums[v]);
        for (int n = 0; n < 4; ++n) to[v * 4 + n] = pairs[2 * n] + pairs[2 * n + 1];
      }
    }
  }
}

#else

void multiply_words(const Int8Tile& t) {
  for (int64_t i = 0; i < t.rows; ++i) {
    for (int64_t p = 0; p < t.panels; ++p) {
      int32_t* const to = t.sums + (i * t.panels + p) * kLanes;
      std::fill_n(to, kLanes, 0);
      for (int64_t q = 0; q < t.quads; ++q) {
        const uint8_t* x = t.x + i * t.stride + q * kQuad;
        const int8_t* w = t.w + p * t.panel_bytes + q * kPanelBytes;
        for (int64_t n = 0; n < kLanes; ++n) {
          for (int64_t j = 0; j < kQuad; ++j) to[n] += w[n * kQuad + j] * x[j];
        }
      }
    }
  }
}

#endif

void multiply_int8(const Int8Tile& t) {
#if HWY_TARGET == HWY_AVX3
  if (has_vnni()) {
    switch (t.panels) {
      case 1: return multiply_vnni_panels<1>(t);
      case 2: return multiply_vnni_panels<2>(t);
      case 3: return multiply_vnni_panels<3>(t);
      default: return multiply_vnni_panels<4>(t);
    }
  }
#endif
  multiply_words(t);
}

float largest_magnitude(const float* x, int64_t count) {
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const auto lanes = static_cast<int64_t>(hn::Lanes(df));
  // By their bits magnitudes are in order, with NaN above infinity.
  auto largest = hn::Zero(di);
  int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(df, x + j))));
  }
  int32_t bits = hn::GetLane(hn::MaxOfLanes(di, largest));
  for (; j < count; ++j) bits = std::max(bits, std::bit_cast<int32_t>(std::abs(x[j])));
  return std::bit_cast<float>(bits);
}

// Values that are finite, as bytes that are 128 more.
void round_activations(const float* x, int64_t count, const RowRounding& rounding, uint8_t* to) {
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<uint8_t, decltype(df)> d8;
  const auto lanes = static_cast<int64_t>(hn::Lanes(df));
  const auto divisor = hn::Set(df, rounding.divisor), multiplier = hn::Set(df, rounding.multiplier);
  const auto low = hn::Set(di, -128), high = hn::Set(di, 127);
  const auto shift = hn::Set(di, 128);
  int64_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    const auto scaled = hn::Mul(hn::Div(hn::LoadU(df, x + j), divisor), multiplier);
    const auto q = hn::Min(hn::Max(hn::NearestInt(scaled), low), high);
    hn::StoreU(hn::DemoteTo(d8, hn::Add(q, shift)), d8, to + j);
  }
  for (; j < count; ++j) {
    const float q = std::clamp(std::nearbyint(x[j] / rounding.divisor * rounding.multiplier), -128.0F, 127.0F);
    to[j] = static_cast<uint8_t>(static_cast<int>(q) + 128);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::quant {
namespace {

HWY_EXPORT(multiply_int8);
HWY_EXPORT(largest_magnitude);
HWY_EXPORT(round_activations);

constexpr int64_t round_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

}  // namespace

Int8Weight::Int8Weight(int64_t rows, int64_t columns)
    : rows_(rows),
      columns_(columns),
      quads_((columns + kQuad - 1) / kQuad),
      values_(static_cast<size_t>(round_up(rows, kLanes) * quads_ * kQuad)),
      shifts_(static_cast<size_t>(round_up(rows, kLanes))) {}

int64_t Int8Weight::nbytes() const {
  return static_cast<int64_t>(values_.size() + shifts_.size() * sizeof(shifts_[0]));
}

void Int8Weight::store_row(int64_t row, const int8_t* values) {
  int8_t* const to = values_.data() + row / kLanes * quads_ * kPanelBytes + row % kLanes * kQuad;
  int32_t sum = 0;
  for (int64_t k = 0; k < columns_; ++k) {
    to[k / kQuad * kPanelBytes + k % kQuad] = values[k];
    sum += values[k];
  }
  shifts_[static_cast<size_t>(row)] = 128 * sum;
}

void Int8Weight::read_row(int64_t row, int8_t* to) const {
  const int8_t* const from = values_.data() + row / kLanes * quads_ * kPanelBytes + row % kLanes * kQuad;
  for (int64_t k = 0; k < columns_; ++k) to[k] = from[k / kQuad * kPanelBytes + k % kQuad];
}

void Int8Weight::multiply(const float* x, int64_t m, int64_t stride, RowRounding (*round)(float largest),
                          const float* factor, const float* bias, float* y) const {
  if (m == 0 || rows_ == 0) return;
  const int64_t row_bytes = quads_ * kQuad;
  thread_local kernels::Scratch byte_memory, step_memory;
  auto* const bytes = byte_memory.get<uint8_t>(m * row_bytes);
  float* const steps = step_memory.get<float>(m);
  parallel_for(m, 1 + 16384 / std::max<int64_t>(columns_, 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float largest = HWY_DYNAMIC_DISPATCH(largest_magnitude)(x + i * stride, columns_);
      uint8_t* const to = bytes + i * row_bytes;
      std::fill(to + columns_, to + row_bytes, uint8_t{0});
      if (!std::isfinite(largest)) {
        std::fill_n(to, columns_, uint8_t{0});
        steps[i] = std::numeric_limits<float>::quiet_NaN();
        continue;
      }
      const RowRounding rounding = round(largest);
      HWY_DYNAMIC_DISPATCH(round_activations)(x + i * stride, columns_, rounding, to);
      steps[i] = rounding.step;
    }
  });
  // Many rows of x in blocks, so that there is work for all threads where the weight has few rows.
  constexpr int64_t kBlockRows = 16 * kTileRows, kTileWidth = kTilePanels * kLanes;
  const int64_t wide = (rows_ + kTileWidth - 1) / kTileWidth, blocks = (m + kBlockRows - 1) / kBlockRows;
  const int64_t operations = std::min(m, kBlockRows) * kTileWidth * std::max<int64_t>(columns_, 1);
  const int64_t grain = std::max<int64_t>((int64_t{1} << 18) / operations, 1);  // less is not worth waking a thread for
  parallel_for(wide * blocks, grain, [&](int64_t begin, int64_t end) {
    alignas(64) int32_t sums[kTileRows * kTileWidth];
    for (int64_t item = begin; item < end; ++item) {
      const int64_t first = item % wide * kTileWidth, count = std::min(kTileWidth, rows_ - first);
      const int64_t block = item / wide * kBlockRows, last = std::min(block + kBlockRows, m);
      const int64_t panels = (count + kLanes - 1) / kLanes;
      for (int64_t i = block; i < last; i += kTileRows) {
        const int64_t height = std::min(kTileRows, last - i);
        HWY_DYNAMIC_DISPATCH(multiply_int8)
        ({values_.data() + first * row_bytes, kLanes * row_bytes, panels, quads_, bytes + i * row_bytes, row_bytes,
          height, sums});
        for (int64_t j = 0; j < height; ++j) {
          const int32_t* const from = sums + j * panels * kLanes;
          float* const to = y + (i + j) * rows_ + first;
          const float step = steps[i + j];
          for (int64_t n = 0; n < count; ++n) {
            const float value =
                static_cast<float>(from[n] - shifts_[static_cast<size_t>(first + n)]) * (step * factor[first + n]);
            to[n] = bias == nullptr ? value : value + bias[first + n];
          }
        }
      }
    }
  });
}

}  // namespace imago::quant
#endif
