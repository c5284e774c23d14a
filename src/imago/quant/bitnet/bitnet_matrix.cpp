#include "imago/quant/bitnet/bitnet_matrix.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/quant/bitnet/ternary_product.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

constexpr int64_t kMaxColumns = int64_t{1} << 22;  // of products up to 3 * 128, that sums fit in 32 bits

class BitNetMatrix final : public EncodedMatrix {
 public:
  BitNetMatrix(Tensor packed, float scale, bool divides)
      : EncodedMatrix(packed.size(0) * 4, packed.size(1)),
        packed_(std::move(packed)),
        bytes_(packed_.const_data<uint8_t>()),
        scale_(scale),
        divides_(divides) {}

  std::string_view format() const override { return "bitnet"; }
  int64_t nbytes() const override { return packed_.numel(); }

  void decode_row(int64_t row, float* to) const override {
    const int64_t quarter = rows() / 4, shift = row / quarter * 2;
    const uint8_t* const from = bytes_ + row % quarter * columns();
    for (int64_t k = 0; k < columns(); ++k) {
      const auto value = static_cast<float>((from[k] >> shift & 3) - 1);
      to[k] = divides_ ? value / scale_ : value * scale_;
    }
  }

  void multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const override {
    if (m == 0 || rows() == 0) return;
    thread_local kernels::Scratch integer_memory, float_memory, sum_memory;
    const int64_t padded = (columns() + kTernaryBytes - 1) / kTernaryBytes * kTernaryBytes;
    auto* const integers = integer_memory.get<int8_t>(m * padded);
    float* const scales = float_memory.get<float>(m);
    auto* const totals = sum_memory.get<int32_t>(m);
    parallel_for(m, 1 + 8192 / columns(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int8_t* const to = integers + i * padded;
        std::fill(to + columns(), to + padded, int8_t{0});
        scales[i] = round_row(x + i * stride, to, totals[i]);
      }
    });
    const int64_t quarter = rows() / 4, grain = std::max<int64_t>((int64_t{1} << 15) / (columns() * m), 1);
    parallel_for(quarter, grain, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        for (int64_t i = 0; i < m; i += kTernaryRows) {
          const int count = static_cast<int>(std::min<int64_t>(kTernaryRows, m - i));
          int32_t sums[4 * kTernaryRows];
          multiply_ternary(bytes_ + r * columns(), columns(), integers + i * padded, padded, count, sums);
          for (int at = 0; at < 4 * count; ++at) {
            const int64_t row = i + at / 4, out = at % 4 * quarter + r;
            y[row * rows() + out] = value_of(sums[at] - totals[row], scales[row], bias == nullptr ? 0 : bias[out]);
          }
        }
      }
    });
  }

 private:
  // Values are stored one more than they are, so `total`, the sum of the row's integers, is in every sum too much.
  float round_row(const float* x, int8_t* to, int32_t& total) const {
    float largest = 1e-5F;
    bool finite = true;
    for (int64_t k = 0; k < columns(); ++k) {
      largest = std::max(largest, std::abs(x[k]));
      finite &= std::isfinite(x[k]);
    }
    total = 0;
    if (!finite) {
      std::fill_n(to, columns(), int8_t{0});
      return std::numeric_limits<float>::quiet_NaN();
    }
    const float scale = 127 / largest;
    for (int64_t k = 0; k < columns(); ++k) {
      to[k] = static_cast<int8_t>(std::clamp(std::nearbyint(x[k] * scale), -128.0F, 127.0F));
      total += to[k];
    }
    return scale;
  }

  float value_of(int32_t sum, float scale, float bias) const {
    const auto wide = static_cast<float>(sum);
    return divides_ ? wide / (scale * scale_) + bias : (wide / scale + bias) * scale_;
  }

  Tensor packed_;
  const uint8_t* bytes_;
  float scale_;
  bool divides_;
};

}  // namespace

Tensor bitnet_weight(const Tensor& packed, const Tensor& scale, bool divides, DType dtype) {
  if (packed.dim() != 2 || packed.dtype() != DType::u8 || packed.size(1) < 1 || scale.numel() != 1) {
    throw Error(ErrorKind::kInvalidFile, "bitnet",
                fmt::format("weight {} with weight_scale {}", packed.describe(), scale.describe()));
  }
  if (packed.size(1) > kMaxColumns) {
    throw Error(ErrorKind::kUnsupported, "bitnet",
                fmt::format("{} inputs of a layer, at most {}", packed.size(1), kMaxColumns));
  }
  const float factor = cast(scale, DType::f32).to_vector<float>()[0];
  return Tensor::encoded(std::make_shared<BitNetMatrix>(contiguous(packed), factor, divides), dtype);
}

}  // namespace imago::quant
