// Products with codes against their values in float64, on every instruction set.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "imago/kernels/cpu/test_targets.h"
#include "imago/quant/codebook/codebooks.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

std::vector<float> random_floats(int64_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = distribution(generator);
  return values;
}

// Any bytes but those of NaN in e4m3.
Tensor random_codes(const Shape& shape, DType dtype) {
  std::mt19937 generator(7);
  std::uniform_int_distribution<int> distribution(0, 255);
  Tensor bytes = Tensor::empty(shape, DType::u8);
  for (int64_t i = 0; i < bytes.numel(); ++i) {
    int code = distribution(generator);
    while ((code & 0x7f) == 0x7f) code = distribution(generator);
    bytes.data<uint8_t>()[i] = static_cast<uint8_t>(code);
  }
  return Tensor::on_storage(bytes.storage(), 0, shape, bytes.strides(), dtype);
}

Tensor scales(const Shape& shape) {
  Tensor tensor = Tensor::empty(shape);
  for (int64_t i = 0; i < tensor.numel(); ++i) tensor.data<float>()[i] = 0.01F + 0.001F * static_cast<float>(i % 37);
  return tensor;
}

// Off by no more than the rounding of that many float sums and of each value's scale.
void check_products(const Tensor& weight) {
  const int64_t rows = weight.size(0), columns = weight.size(1);
  SCOPED_TRACE(weight.describe());
  std::vector<std::vector<float>> plain(static_cast<size_t>(rows), std::vector<float>(static_cast<size_t>(columns)));
  for (int64_t r = 0; r < rows; ++r) weight.encoding()->decode_row(r, plain[static_cast<size_t>(r)].data());
  const std::vector<float> bias = random_floats(rows, 3);
  for (int64_t m = 1; m <= 9; ++m) {
    const std::vector<float> x = random_floats(m * columns, 5);
    std::vector<float> y(static_cast<size_t>(m * rows));
    weight.encoding()->multiply(x.data(), m, columns, bias.data(), y.data());
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t r = 0; r < rows; ++r) {
        const float* const w = plain[static_cast<size_t>(r)].data();
        double sum = bias[static_cast<size_t>(r)], absolute = std::abs(sum);
        for (int64_t k = 0; k < columns; ++k) {
          const double product = static_cast<double>(x[static_cast<size_t>(i * columns + k)]) * w[k];
          sum += product;
          absolute += std::abs(product);
        }
        const double bound = (static_cast<double>(columns) / 8 + 8) * 0x1p-24 * absolute;
        ASSERT_NEAR(y[static_cast<size_t>(i * rows + r)], sum, bound) << "m " << m << ", row " << i << ", " << r;
      }
    }
  }
}

Tensor four_bits(int64_t rows, int64_t columns, int64_t block) {
  FourBitTensors tensors;
  tensors.codes = random_codes({rows * columns / 2, 1}, DType::u8);
  tensors.absmax = scales({(rows * columns + block - 1) / block});
  tensors.values = Tensor::from(random_floats(16, 9));
  tensors.block = block;
  return four_bit_weight("nf4", tensors, rows, columns, DType::f32);
}

TEST(CodebookProduct, FourBits) {
  kernels::for_each_target([] {
    check_products(four_bits(37, 256, 64));
    check_products(four_bits(5, 1088, 64));
    check_products(four_bits(4, 96, 64));  // blocks cross the ends of rows
    check_products(four_bits(3, 40, 8));   // blocks smaller than a vector
    check_products(four_bits(1, 64, 4096));
  });
}

TEST(CodebookProduct, Integers) {
  kernels::for_each_target([] {
    const auto codes = [](int64_t rows, int64_t columns) { return random_codes({rows, columns}, DType::i8); };
    check_products(int8_weight(codes(33, 320), scales({33}), DType::f32));
    check_products(scaled_int8_weight(codes(6, 256), scales({6, 4}), DType::f32));
    check_products(scaled_int8_weight(codes(6, 33), scales({1}), DType::f32));
  });
}

TEST(CodebookProduct, FloatsOfAByte) {
  kernels::for_each_target([] {
    const auto codes = [](int64_t rows, int64_t columns) { return random_codes({rows, columns}, DType::f8_e4m3fn); };
    check_products(fp8_weight(codes(21, 160), scales({1}), 21, 160, DType::f32));
    check_products(fp8_weight(codes(16, 224), scales({2, 4}), 8, 64, DType::f32));  // the last tile is half as wide
    check_products(fp8_weight(codes(16, 100), scales({16}), 1, 100, DType::f32));
  });
}

TEST(CodebookProduct, NaNStaysNaN) {
  Tensor codes = Tensor::zeros({2, 64}, DType::u8);
  codes.data<uint8_t>()[70] = 0xff;
  const Tensor floats = Tensor::on_storage(codes.storage(), 0, {2, 64}, {64, 1}, DType::f8_e4m3fn);
  const std::vector<float> x(64, 1);
  float y[2];
  fp8_weight(floats, scales({1}), 2, 64, DType::f32).encoding()->multiply(x.data(), 1, 64, nullptr, y);
  EXPECT_EQ(y[0], 0);
  EXPECT_TRUE(std::isnan(y[1]));
}

}  // namespace
}  // namespace imago::quant
