// Copies of blocks of A and B in the order in which multiply_tile reads them, converted to the type it sums in.
// Compiled once per target.
#if defined(IMAGO_KERNELS_CPU_GEMM_PACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_GEMM_PACK_INL_H
#undef IMAGO_KERNELS_CPU_GEMM_PACK_INL_H
#else
#define IMAGO_KERNELS_CPU_GEMM_PACK_INL_H
#endif

#include <algorithm>
#include <cstdint>

#include "imago/kernels/cpu/gemm_tile-inl.h"
#include "imago/kernels/cpu/load_store-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {

// output[i] = input[i], converted; output has room for whole vectors.
template <class T, class Input>
HWY_INLINE void copy_row(const Input* HWY_RESTRICT input, T* HWY_RESTRICT output, int64_t size) {
  const Simd<T> d;
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) hn::StoreU(load(d, input + i), d, output + i);
  if (i < size) hn::StoreU(load_some(d, input + i, static_cast<size_t>(size - i)), d, output + i);
}

// output[p * rows + row] = input[p * stride + row]
template <class T, class Input>
void pack_columns(const Input* input, int64_t stride, int64_t rows, int64_t k, T* HWY_RESTRICT output) {
  for (int64_t p = 0; p < k; ++p) {
    for (int64_t row = 0; row < rows; ++row) *output++ = static_cast<T>(input[p * stride + row]);
  }
}

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
// Lanes 4 i to 4 i + 3 of the result are the four floats at from + (4 i) * stride.
template <class D>
HWY_INLINE hn::Vec<D> load_blocks(D d, const float* from, int64_t stride) {
  if constexpr (hn::MaxLanes(D()) <= 4) {
    return hn::LoadU(d, from);
  } else {
    const hn::Half<D> half;
    const int64_t rows = static_cast<int64_t>(hn::MaxLanes(half));
    return hn::Combine(d, load_blocks(half, from + rows * stride, stride), load_blocks(half, from, stride));
  }
}

// output[p * output_stride + row] = input[row * stride + p] for four p and as many rows as a vector has lanes.
template <class D>
HWY_INLINE void transpose_block(D d, const float* input, int64_t stride, float* output, int64_t output_stride) {
  const hn::Repartition<double, D> pairs;
  const auto row0 = load_blocks(d, input, stride);
  const auto row1 = load_blocks(d, input + stride, stride);
  const auto row2 = load_blocks(d, input + 2 * stride, stride);
  const auto row3 = load_blocks(d, input + 3 * stride, stride);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, row0, row1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, row2, row3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, row0, row1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, row2, row3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, output);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, output + output_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, output + 2 * output_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, output + 3 * output_stride);
}
#endif

// How many elements of a row are converted at a time before they are interleaved with those of other rows.
constexpr int64_t kPackChunk = 64;

// output[p * rows + row] = input[row * stride + p] for p in [0, size).
template <class T>
HWY_INLINE void interleave_rows(const T* HWY_RESTRICT input, int64_t stride, int64_t rows, int64_t size,
                                T* HWY_RESTRICT output) {
  int64_t done = 0;
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  if constexpr (std::is_same_v<T, float>) {
    const hn::FixedTag<float, 4> d;
    if (size % 4 == 0) {
      for (; done + 4 <= rows; done += 4) {
        for (int64_t p = 0; p < size; p += 4) {
          transpose_block(d, input + done * stride + p, stride, output + p * rows + done, rows);
        }
      }
    }
  }
#endif
  for (int64_t row = done; row < rows; ++row) {
    for (int64_t p = 0; p < size; ++p) output[p * rows + row] = input[row * stride + p];
  }
}

// output[p * rows + row] = input[row * stride + p] for p in [0, k), rows at most kTileRows.
template <class T, class Input>
void pack_rows(const Input* input, int64_t stride, int64_t rows, int64_t k, T* HWY_RESTRICT output) {
  if constexpr (std::is_same_v<Input, T>) return interleave_rows(input, stride, rows, k, output);
  HWY_ALIGN T chunk[kTileRows * kPackChunk];
  for (int64_t begin = 0; begin < k; begin += kPackChunk) {
    const int64_t size = std::min(kPackChunk, k - begin);
    for (int64_t row = 0; row < rows; ++row) copy_row(input + row * stride + begin, chunk + row * kPackChunk, size);
    interleave_rows(chunk, kPackChunk, rows, size, output + begin * rows);
  }
}

// output[p * tile_columns + column] = input[column * stride + p] for all tile_columns columns and p in [0, size).
template <class T>
HWY_INLINE void transpose(const T* input, int64_t stride, int64_t size, T* output) {
  constexpr int64_t kColumns = tile_columns<T>();
  int64_t p = 0;
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  if constexpr (std::is_same_v<T, float>) {
    const Simd<float> d;
    constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(d));
    for (; p + 4 <= size; p += 4) {
      for (int64_t column = 0; column < kColumns; column += kLanes) {
        transpose_block(d, input + column * stride + p, stride, output + p * kColumns + column, kColumns);
      }
    }
  }
#endif
  for (; p < size; ++p) {
    for (int64_t column = 0; column < kColumns; ++column) output[p * kColumns + column] = input[column * stride + p];
  }
}

// One strip of B for multiply_tile, tile_columns wide, from a matrix that stores its columns contiguously. Columns from
// `columns` on are filled with zeros.
template <class T, class Input>
void pack_strip_transposed(const Input* input, int64_t stride, int64_t columns, int64_t k, T* HWY_RESTRICT output) {
  constexpr int64_t kColumns = tile_columns<T>();
  if constexpr (std::is_same_v<Input, T>) {
    if (columns == kColumns) return transpose(input, stride, k, output);
  }
  HWY_ALIGN T chunk[kColumns * kPackChunk] = {};
  for (int64_t begin = 0; begin < k; begin += kPackChunk) {
    const int64_t size = std::min(kPackChunk, k - begin);
    for (int64_t column = 0; column < columns; ++column) {
      copy_row(input + column * stride + begin, chunk + column * kPackChunk, size);
    }
    transpose(chunk, kPackChunk, size, output + begin * kColumns);
  }
}

// All strips of a block of B that stores its rows contiguously, row by row: neighbouring strips come from the same
// lines.
template <class T, class Input>
void pack_strips(const Input* input, int64_t stride, int64_t columns, int64_t k, T* HWY_RESTRICT output) {
  const Simd<T> d;
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  constexpr int64_t kColumns = tile_columns<T>();
  // Each row is too short for the hardware to fetch in time. Into the second level, for the first holds only eight
  // lines whose distance is a power of two.
  constexpr int64_t kFetchAhead = 16;
  for (int64_t p = 0; p < k; ++p) {
    const Input* const row = input + p * stride;
    T* to = output + p * kColumns;
    for (int64_t column = 0; column < columns; column += kColumns, to += k * kColumns) {
      __builtin_prefetch(row + kFetchAhead * stride + column, 0, 2);
      if (columns - column >= kColumns) {
        hn::Store(load(d, row + column), d, to);
        hn::Store(load(d, row + column + kLanes), d, to + kLanes);
      } else {
        for (int64_t i = 0; i < kColumns; ++i) to[i] = column + i < columns ? static_cast<T>(row[column + i]) : T{0};
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
