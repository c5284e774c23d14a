#include "imago/quant/codebook/encode_codebooks.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/half.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

constexpr const char* kWhere = "quant";

// Normal deviates' quantiles (Dettmers et al. 2023, appendix E), the middle ones about an exact zero.
constexpr std::array<float, 16> kNf4 = {-1.0F,
                                        -0.6961928009986877F,
                                        -0.5250730514526367F,
                                        -0.39491748809814453F,
                                        -0.28444138169288635F,
                                        -0.18477343022823334F,
                                        -0.09105003625154495F,
                                        0.0F,
                                        0.07958029955625534F,
                                        0.16093020141124725F,
                                        0.24611230194568634F,
                                        0.33791524171829224F,
                                        0.44070982933044434F,
                                        0.5626170039176941F,
                                        0.7229568362236023F,
                                        1.0F};
// Floats of a sign, two bits of exponent and one of mantissa, in twelfths of the largest.
constexpr std::array<float, 16> kFp4Twelfths = {0,     0.0625F,  8.0F,  12.0F,  4.0F,  6.0F,  2.0F,  3.0F,
                                                -0.0F, -0.0625F, -8.0F, -12.0F, -4.0F, -6.0F, -2.0F, -3.0F};

// The codes in the order of their values, and what lies halfway between neighbours.
struct Codes {
  std::array<float, 16> values;
  std::array<uint8_t, 16> order;
  std::array<float, 15> bounds;

  explicit Codes(const std::array<float, 16>& list) : values(list) {
    std::iota(order.begin(), order.end(), uint8_t{0});
    std::stable_sort(order.begin(), order.end(), [&](uint8_t a, uint8_t b) { return values[a] < values[b]; });
    for (size_t i = 0; i < bounds.size(); ++i) bounds[i] = (values[order[i]] + values[order[i + 1]]) / 2;
  }
  // The nearest code; of two the lower.
  uint8_t operator()(float value) const {
    return order[static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin())];
  }
};

const Codes& codes_of(std::string_view name) {
  static const Codes kNf4Codes(kNf4);
  static const Codes kFp4Codes([] {
    std::array<float, 16> values = kFp4Twelfths;
    for (float& value : values) value /= 12;
    return values;
  }());
  if (name == "nf4") return kNf4Codes;
  if (name == "fp4") return kFp4Codes;
  throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("there are no codes of 4 bits called {}", name));
}

Tensor floats_of(const Tensor& weight) {
  if (weight.dim() != 2) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, "only matrices are encoded, not " + weight.describe());
  }
  const Tensor values = contiguous(cast(decode(weight), DType::f32));
  const float* const from = values.const_data<float>();
  if (!std::all_of(from, from + values.numel(), [](float value) { return std::isfinite(value); })) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, "the weight has values that are not finite");
  }
  return values;
}

float largest_of(const float* values, int64_t count) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(values[i]));
  return largest;
}

}  // namespace

FourBitTensors encode_four_bits(std::string_view name, const Tensor& weight, int64_t block) {
  const Codes& codes = codes_of(name);
  const Tensor values = floats_of(weight);
  const int64_t size = values.numel(), blocks = (size + block - 1) / block;
  if (size % 2 != 0 || block % 2 != 0) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("{} weights are no pairs", size));
  }
  FourBitTensors result;
  result.block = block;
  result.codes = Tensor::empty({size / 2, 1}, DType::u8);
  result.absmax = Tensor::empty({blocks});
  result.values = Tensor::from(std::span<const float>(codes.values), {16});
  const float* const from = values.const_data<float>();
  auto* const to = result.codes.data<uint8_t>();
  float* const absmax = result.absmax.data<float>();
  parallel_for(blocks, 64, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b * block, count = std::min(block, size - first);
      absmax[b] = largest_of(from + first, count);
      const float factor = 1.0F / std::max(absmax[b], 1e-38F);
      const auto code = [&](int64_t i) { return codes(std::clamp(from[i] * factor, -1.0F, 1.0F)); };
      for (int64_t i = first; i < first + count; i += 2) {
        to[i / 2] = static_cast<uint8_t>(code(i) << 4 | code(i + 1));
      }
    }
  });
  return result;
}

Int8Tensors encode_int8(const Tensor& weight) {
  const Tensor values = floats_of(cast(decode(weight), DType::f16));
  const int64_t rows = values.size(0), columns = values.size(1);
  Int8Tensors result{Tensor::empty({rows, columns}, DType::i8), Tensor::empty({rows})};
  const float* const from = values.const_data<float>();
  auto* const to = result.codes.data<int8_t>();
  float* const largest = result.largest.data<float>();
  parallel_for(rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      largest[r] = largest_of(from + r * columns, columns);
      const float factor = largest[r] == 0 ? 0 : 1.0F / largest[r] * 127.0F;  // the package's order, not 127 / largest
      for (int64_t i = r * columns; i < (r + 1) * columns; ++i) {
        to[i] = static_cast<int8_t>(std::nearbyint(from[i] * factor));
      }
    }
  });
  return result;
}

Fp8Tensors encode_fp8(const Tensor& weight, int64_t tile_rows, int64_t tile_columns) {
  constexpr float kLargest = 448;
  const Tensor values = floats_of(weight);
  const int64_t rows = values.size(0), columns = values.size(1);
  const int64_t down = (rows + tile_rows - 1) / tile_rows, across = (columns + tile_columns - 1) / tile_columns;
  Fp8Tensors result{{}, Tensor::empty({down, across})};
  Tensor scaled = Tensor::empty({rows, columns});
  const float* const from = values.const_data<float>();
  float *const to = scaled.data<float>(), *const scales = result.scales.data<float>();
  parallel_for(down * across, 1, [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t top = tile / across * tile_rows, left = tile % across * tile_columns;
      const int64_t bottom = std::min(top + tile_rows, rows), width = std::min(tile_columns, columns - left);
      float largest = 0;
      for (int64_t r = top; r < bottom; ++r) largest = std::max(largest, largest_of(from + r * columns + left, width));
      const float scale = largest > 0 ? 1 / largest * kLargest : 1;  // in the order of the reference
      scales[tile] = 1 / scale;
      for (int64_t r = top; r < bottom; ++r) {
        for (int64_t i = r * columns + left; i < r * columns + left + width; ++i) {
          to[i] = std::clamp(from[i] * scale, -kLargest, kLargest);
        }
      }
    }
  });
  result.codes = cast(scaled, DType::f8_e4m3fn);
  return result;
}

}  // namespace imago::quant
