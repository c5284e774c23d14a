// The innermost loops of the matrix product: small tiles of C held in registers. Compiled once per target.
#if defined(IMAGO_KERNELS_CPU_GEMM_TILE_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_GEMM_TILE_INL_H
#undef IMAGO_KERNELS_CPU_GEMM_TILE_INL_H
#else
#define IMAGO_KERNELS_CPU_GEMM_TILE_INL_H
#endif

#include <hwy/cache_control.h>

#include <cstdint>
#include <utility>

#include "imago/kernels/cpu/load_store-inl.h"

#undef IMAGO_UNROLL
#if defined(IMAGO_SANITIZED)  // there it would multiply the checks, and so the time to compile
#define IMAGO_UNROLL
#elif defined(__clang__)
#define IMAGO_UNROLL _Pragma("unroll")
#else
#define IMAGO_UNROLL _Pragma("GCC unroll 16")
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {

// A tile has kTileRows rows and two vectors of columns: the most accumulators that leave registers for a vector of A
// and two of B. 16 registers hold 6 x 2, 32 hold 12 x 2.
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 12;
#endif
constexpr int kTileVectors = 2;

template <class T>
constexpr int64_t tile_columns() {
  return kTileVectors * static_cast<int64_t>(hn::MaxLanes(Simd<T>()));
}

// c[kRows, tile_columns] = a b, or c += a b if `add`. b is packed: b[p * tile_columns + column]. So is a if
// kPackedA, a[p * kRows + row]; else it lies by rows, a[row * lda + p].
template <int kRows, bool kPackedA, class T>
HWY_INLINE void multiply_tile_of(int64_t k, const T* HWY_RESTRICT a, int64_t lda, const T* HWY_RESTRICT b,
                                 T* HWY_RESTRICT c, int64_t ldc, bool add) {
  const Simd<T> d;
  using V = hn::Vec<Simd<T>>;
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  // Rows that share a pointer are one and two `lda` behind it, which an address can say by itself.
  constexpr int kPointers = kPackedA ? 1 : (kRows + 2) / 3;
  const T* from[kPointers];
  IMAGO_UNROLL
  for (int i = 0; i < kPointers; ++i) from[i] = a + 3 * i * lda;
  V sums[kRows][kTileVectors];
  IMAGO_UNROLL
  for (int row = 0; row < kRows; ++row) {
    sums[row][0] = sums[row][1] = hn::Zero(d);
    hwy::Prefetch(c + row * ldc);
    hwy::Prefetch(c + row * ldc + kTileVectors * kLanes - 1);
  }
  for (int64_t p = 0; p < k; ++p) {
    if constexpr (kPackedA) hwy::Prefetch(from[0] + kRows * k);
    const V b0 = hn::Load(d, b);
    const V b1 = hn::Load(d, b + kLanes);
    IMAGO_UNROLL
    for (int row = 0; row < kRows; ++row) {
      const V value = hn::Set(d, kPackedA ? from[0][row] : from[row / 3 % kPointers][row % 3 * lda]);
      sums[row][0] = hn::MulAdd(value, b0, sums[row][0]);
      sums[row][1] = hn::MulAdd(value, b1, sums[row][1]);
    }
    IMAGO_UNROLL
    for (int i = 0; i < kPointers; ++i) from[i] += kPackedA ? kRows : 1;
    b += kTileVectors * kLanes;
  }
  IMAGO_UNROLL
  for (int row = 0; row < kRows; ++row) {
    T* const to = c + row * ldc;
    if (add) {
      sums[row][0] = hn::Add(sums[row][0], hn::LoadU(d, to));
      sums[row][1] = hn::Add(sums[row][1], hn::LoadU(d, to + kLanes));
    }
    hn::StoreU(sums[row][0], d, to);
    hn::StoreU(sums[row][1], d, to + kLanes);
  }
}

template <int kRows, class T>
void multiply_tile(int64_t k, const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, T* HWY_RESTRICT c, int64_t ldc,
                   bool add) {
  multiply_tile_of<kRows, true>(k, a, 0, b, c, ldc, add);
}

template <int kRows>
void multiply_rows_tile(int64_t k, const float* HWY_RESTRICT a, int64_t lda, const float* HWY_RESTRICT b,
                        float* HWY_RESTRICT c, int64_t ldc, bool add) {
  multiply_tile_of<kRows, false>(k, a, lda, b, c, ldc, add);
}

template <class T>
using MultiplyTile = void (*)(int64_t k, const T* a, const T* b, T* c, int64_t ldc, bool add);

template <class T, int... kRows>
constexpr auto tile_table(std::integer_sequence<int, kRows...>) {
  struct Table {
    MultiplyTile<T> by_rows[sizeof...(kRows)];
  };
  return Table{{multiply_tile<kRows + 1, T>...}};
}

// The tile kernel for `rows` rows, 1 to kTileRows.
template <class T>
MultiplyTile<T> tile_kernel(int64_t rows) {
  static constexpr auto kTable = tile_table<T>(std::make_integer_sequence<int, kTileRows>());
  return kTable.by_rows[rows - 1];
}

using MultiplyRowsTile = void (*)(int64_t k, const float* a, int64_t lda, const float* b, float* c, int64_t ldc,
                                  bool add);

template <int... kRows>
constexpr auto rows_tile_table(std::integer_sequence<int, kRows...>) {
  struct Table {
    MultiplyRowsTile by_rows[sizeof...(kRows)];
  };
  return Table{{multiply_rows_tile<kRows + 1>...}};
}

// The same for a that is not packed.
HWY_INLINE MultiplyRowsTile rows_tile_kernel(int64_t rows) {
  static constexpr auto kTable = rows_tile_table(std::make_integer_sequence<int, kTileRows>());
  return kTable.by_rows[rows - 1];
}

// Columns of B that dot_tile multiplies at a time. Each is a stream of its own through memory, and a core fetches four
// faster than one.
constexpr int kDotColumns = 4;
// How far ahead of each stream memory is asked for, beyond what the hardware foresees by itself.
constexpr int64_t kDotFetchBytes = 1024;

// totals[row][column] += the products of row `row` of a with column `column` of b, over the first k elements; each
// total is a whole vector, so that its lanes are added up only once at the end. Nothing is packed: b is read straight
// from where it lies. Rows of a are padded with zeros to a multiple of two vectors and arranged in halves.
template <int kRows, class B>
void dot_tile(int64_t k, const float* HWY_RESTRICT a, int64_t lda, const B* const (&b)[kDotColumns],
              float* HWY_RESTRICT totals) {
  const Simd<float> d;
  using V = hn::Vec<Simd<float>>;
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  constexpr int64_t kLine = 64 / sizeof(B);
  constexpr int64_t kChunk = kLine > 2 * kLanes ? kLine : 2 * kLanes;
  V sums[kRows][kDotColumns];
  IMAGO_UNROLL
  for (int row = 0; row < kRows; ++row) {
    IMAGO_UNROLL
    for (int column = 0; column < kDotColumns; ++column) {
      sums[row][column] = hn::Load(d, totals + (row * kDotColumns + column) * kLanes);
    }
  }
  // One weight at a time: three values, one weight and twelve sums are the sixteen registers of AVX2.
  const auto multiply = [&](const float* values, auto weight_of) HWY_ATTR {
    V lanes[kRows];
    IMAGO_UNROLL
    for (int row = 0; row < kRows; ++row) lanes[row] = hn::LoadU(d, values + row * lda);
    IMAGO_UNROLL
    for (int column = 0; column < kDotColumns; ++column) {
      const V weight = weight_of(column);
      IMAGO_UNROLL
      for (int row = 0; row < kRows; ++row) sums[row][column] = hn::MulAdd(lanes[row], weight, sums[row][column]);
    }
  };
  const auto step = [&](int64_t p) HWY_ATTR {
    multiply(a + p, [&](int column) HWY_ATTR { return load_half<0>(d, b[column] + p); });
    multiply(a + p + kLanes, [&](int column) HWY_ATTR { return load_half<1>(d, b[column] + p); });
  };
  int64_t p = 0;
  for (; p + kChunk <= k; p += kChunk) {
    IMAGO_UNROLL
    for (int column = 0; column < kDotColumns; ++column) {
      for (int64_t i = 0; i < kChunk; i += kLine) {
        hwy::Prefetch(b[column] + p + i + kDotFetchBytes / static_cast<int64_t>(sizeof(B)));
      }
    }
    for (int64_t i = 0; i < kChunk; i += 2 * kLanes) step(p + i);
  }
  for (; p + 2 * kLanes <= k; p += 2 * kLanes) step(p);
  if (p < k) {
    HWY_ALIGN float rest[kDotColumns][2 * kLanes] = {};
    for (int column = 0; column < kDotColumns; ++column) {
      for (int64_t i = p; i < k; ++i) rest[column][i - p] = static_cast<float>(b[column][i]);
      arrange_halves<B>(rest[column], 2 * kLanes);
    }
    multiply(a + p, [&](int column) HWY_ATTR { return hn::Load(d, rest[column]); });
    multiply(a + p + kLanes, [&](int column) HWY_ATTR { return hn::Load(d, rest[column] + kLanes); });
  }
  IMAGO_UNROLL
  for (int row = 0; row < kRows; ++row) {
    IMAGO_UNROLL
    for (int column = 0; column < kDotColumns; ++column) {
      hn::Store(sums[row][column], d, totals + (row * kDotColumns + column) * kLanes);
    }
  }
}

// The same for any number of rows: in threes, which fill the registers, and never one row alone behind others. Totals
// of a row follow those of the row before.
template <class B>
void dot_rows(int64_t rows, int64_t k, const float* a, int64_t lda, const B* const (&b)[kDotColumns], float* totals) {
  constexpr int64_t kRowTotals = kDotColumns * static_cast<int64_t>(hn::MaxLanes(Simd<float>()));
  int64_t row = 0;
  for (; rows - row > 4 || rows - row == 3; row += 3) {
    dot_tile<3>(k, a + row * lda, lda, b, totals + row * kRowTotals);
  }
  for (; rows - row >= 2; row += 2) dot_tile<2>(k, a + row * lda, lda, b, totals + row * kRowTotals);
  if (row < rows) dot_tile<1>(k, a + row * lda, lda, b, totals + row * kRowTotals);
}

// sums[i] = the lanes of total i, added up.
HWY_INLINE void add_lanes(const float* totals, int64_t count, float* sums) {
  const Simd<float> d;
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  for (int64_t i = 0; i < count; ++i) sums[i] = hn::GetLane(hn::SumOfLanes(d, hn::Load(d, totals + i * kLanes)));
}

// c[row * ldc + i] += a[row * lda + p] * b[p * ldb + i], summed over kDepth values of p, for i in [0, n). What lies
// kDepth rows of b further is fetched meanwhile.
template <int kRows, int kDepth, class B>
void axpy_tile(int64_t n, const float* HWY_RESTRICT a, int64_t lda, const B* HWY_RESTRICT b, int64_t ldb,
               float* HWY_RESTRICT c, int64_t ldc) {
  const Simd<float> d;
  using V = hn::Vec<Simd<float>>;
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  V values[kRows][kDepth];
  IMAGO_UNROLL
  for (int row = 0; row < kRows; ++row) {
    IMAGO_UNROLL
    for (int p = 0; p < kDepth; ++p) values[row][p] = hn::Set(d, a[row * lda + p]);
  }
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    V sums[kRows];
    IMAGO_UNROLL
    for (int row = 0; row < kRows; ++row) sums[row] = hn::LoadU(d, c + row * ldc + i);
    IMAGO_UNROLL
    for (int p = 0; p < kDepth; ++p) {
      const V weight = load(d, b + p * ldb + i);
      hwy::Prefetch(b + (p + kDepth) * ldb + i);
      IMAGO_UNROLL
      for (int row = 0; row < kRows; ++row) sums[row] = hn::MulAdd(values[row][p], weight, sums[row]);
    }
    IMAGO_UNROLL
    for (int row = 0; row < kRows; ++row) hn::StoreU(sums[row], d, c + row * ldc + i);
  }
  for (; i < n; ++i) {
    for (int row = 0; row < kRows; ++row) {
      for (int p = 0; p < kDepth; ++p) c[row * ldc + i] += a[row * lda + p] * static_cast<float>(b[p * ldb + i]);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
