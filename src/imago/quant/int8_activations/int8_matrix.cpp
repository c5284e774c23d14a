#include "imago/quant/int8_activations/int8_matrix.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/quant/int8_activations/int8_product.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

class Int8Matrix final : public EncodedMatrix {
 public:
  Int8Matrix(Int8Weight weight, std::vector<float> scales)
      : EncodedMatrix(weight.rows(), weight.columns()), weight_(std::move(weight)), scales_(std::move(scales)) {}

  std::string_view format() const override { return "w8a8"; }
  int64_t nbytes() const override { return weight_.nbytes() + static_cast<int64_t>(scales_.size() * sizeof(float)); }

  void decode_row(int64_t row, float* to) const override {
    std::vector<int8_t> codes(static_cast<size_t>(columns()));
    weight_.read_row(row, codes.data());
    for (size_t k = 0; k < codes.size(); ++k) to[k] = static_cast<float>(codes[k]) * scales_[static_cast<size_t>(row)];
  }

  void multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const override {
    weight_.multiply(x, m, stride, rounding, scales_.data(), bias, y);
  }

 private:
  static RowRounding rounding(float largest) {
    const float step = largest / 127.5F;
    const float divisor = step == 0 ? std::numeric_limits<float>::epsilon() : step;
    return {.divisor = divisor, .step = divisor};
  }

  Int8Weight weight_;
  std::vector<float> scales_;
};

}  // namespace

Tensor int8_weight_with_activations(const Tensor& codes, const Tensor& scales, DType dtype) {
  const bool fits = codes.dim() == 2 && codes.dtype() == DType::i8 && codes.size(1) > 0 &&
                    (scales.numel() == 1 || scales.numel() == codes.size(0));
  if (!fits) {
    throw Error(ErrorKind::kInvalidFile, "compressed-tensors",
                fmt::format("weight {} with weight_scale {}", codes.describe(), scales.describe()));
  }
  const int64_t rows = codes.size(0), columns = codes.size(1);
  if (columns > Int8Weight::kMaxColumns) {
    throw Error(
        ErrorKind::kUnsupported, "compressed-tensors",
        fmt::format("{} inputs of a layer with 8-bit activations, at most {}", columns, Int8Weight::kMaxColumns));
  }
  const Tensor dense = contiguous(codes);
  const auto* from = static_cast<const int8_t*>(dense.const_data_raw());
  Int8Weight weight(rows, columns, [&](int64_t row, int8_t* to) { std::copy_n(from + row * columns, columns, to); });
  std::vector<float> factors = contiguous(cast(scales, DType::f32)).to_vector<float>();
  if (factors.size() == 1) factors.assign(static_cast<size_t>(rows), factors[0]);
  return Tensor::encoded(std::make_shared<Int8Matrix>(std::move(weight), std::move(factors)), dtype);
}

RowScaledTensors encode_row_scaled_int8(const Tensor& weight) {
  const Tensor values = contiguous(cast(weight, DType::f32));
  const int64_t rows = values.size(0), columns = values.size(1);
  Tensor scales = Tensor::empty({rows, 1});
  for (int64_t r = 0; r < rows; ++r) {
    float largest = 0;
    for (const float value : std::span(values.const_data<float>() + r * columns, static_cast<size_t>(columns))) {
      if (!std::isfinite(value)) {
        throw Error(ErrorKind::kInvalidArgument, "compressed-tensors", "the weight has values that are not finite");
      }
      largest = std::max(largest, std::abs(value));
    }
    scales.data<float>()[r] = largest == 0 ? std::numeric_limits<float>::epsilon() : largest / 127.5F;
  }
  RowScaledTensors parts{Tensor::empty({rows, columns}, DType::i8), cast(scales, weight.dtype())};
  const Tensor steps = cast(parts.scales, DType::f32);
  auto* const codes = parts.codes.data<int8_t>();
  for (int64_t i = 0; i < rows * columns; ++i) {
    const float code = std::nearbyint(values.const_data<float>()[i] / steps.const_data<float>()[i / columns]);
    codes[i] = static_cast<int8_t>(std::clamp(code, -128.0F, 127.0F));
  }
  return parts;
}

}  // namespace imago::quant
