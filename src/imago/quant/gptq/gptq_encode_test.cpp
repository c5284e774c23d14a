#include "imago/quant/gptq/gptq_encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "imago/base/error.h"
#include "imago/quant/awq/awq_encode.h"
#include "imago/quant/awq/awq_weight.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

Tensor random_matrix(int64_t rows, int64_t columns, uint32_t seed, float spread) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, spread);
  Tensor matrix = Tensor::empty({rows, columns});
  for (int64_t i = 0; i < matrix.numel(); ++i) matrix.data<float>()[i] = normal(generator);
  return matrix;
}

// Inputs whose channels go together and have magnitudes of their own, as those of models do.
Tensor inputs(int64_t rows, int64_t columns) {
  const Tensor base = random_matrix(rows, columns, 5, 1), few = random_matrix(rows, 4, 6, 1);
  Tensor x = Tensor::empty({rows, columns});
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t k = 0; k < columns; ++k) {
      const float scale = k % 17 == 3 ? 8.0F : 0.3F + 0.01F * static_cast<float>(k % 31);
      x.data<float>()[i * columns + k] =
          scale * (base.const_data<float>()[i * columns + k] + 2 * few.const_data<float>()[i * 4 + k % 4]);
    }
  }
  return x;
}

Tensor hessian_of(const Tensor& x) {
  const int64_t rows = x.size(0), in = x.size(1);
  Tensor h = Tensor::empty({in, in});
  for (int64_t i = 0; i < in; ++i) {
    for (int64_t j = 0; j < in; ++j) {
      double sum = 0;
      for (int64_t r = 0; r < rows; ++r) {
        sum += static_cast<double>(x.const_data<float>()[r * in + i]) * x.const_data<float>()[r * in + j];
      }
      h.data<float>()[i * in + j] = static_cast<float>(sum);
    }
  }
  return h;
}

// sum ((W - V) x)^2 / sum (W x)^2
double error_of_products(const Tensor& w, const std::vector<float>& v, const Tensor& x) {
  const int64_t out = w.size(0), in = w.size(1);
  double error = 0, squares = 0;
  for (int64_t r = 0; r < x.size(0); ++r) {
    for (int64_t n = 0; n < out; ++n) {
      double a = 0, b = 0;
      for (int64_t k = 0; k < in; ++k) {
        a += static_cast<double>(w.const_data<float>()[n * in + k]) * x.const_data<float>()[r * in + k];
        b += static_cast<double>(v[static_cast<size_t>(n * in + k)]) * x.const_data<float>()[r * in + k];
      }
      error += (a - b) * (a - b);
      squares += a * a;
    }
  }
  return error / squares;
}

std::vector<float> decoded(const GptqTensors& tensors, int64_t bits) {
  return decode(gptq_weight(tensors, bits, true, DType::f32)).to_vector<float>();
}

// The method as its paper derives it, without its shortcuts: after each column the rest of the weight is corrected with
// the row of H^-1, from which the column is then eliminated.
std::vector<double> rounded_plainly(const Tensor& weight, const Tensor& hessian, const GptqOptions& options) {
  const int64_t out = weight.size(0), in = weight.size(1), group = options.group_size;
  std::vector<std::vector<double>> inverse(static_cast<size_t>(in), std::vector<double>(static_cast<size_t>(2 * in)));
  double mean = 0;
  const float* const h = hessian.const_data<float>();
  for (int64_t i = 0; i < in; ++i) mean += h[i * in + i] / static_cast<double>(in);
  for (int64_t i = 0; i < in; ++i) {
    for (int64_t j = 0; j < in; ++j) inverse[i][j] = h[i * in + j] + (i == j ? options.damp_percent * mean : 0);
    inverse[i][in + i] = 1;
  }
  for (int64_t p = 0; p < in; ++p) {  // Gauss and Jordan
    const double pivot = inverse[p][p];
    for (double& value : inverse[p]) value /= pivot;
    for (int64_t i = 0; i < in; ++i) {
      if (i == p) continue;
      const double factor = inverse[i][p];
      for (int64_t j = 0; j < 2 * in; ++j) inverse[i][j] -= factor * inverse[p][j];
    }
  }
  std::vector<std::vector<double>> rest(static_cast<size_t>(in), std::vector<double>(static_cast<size_t>(in)));
  for (int64_t i = 0; i < in; ++i) {
    for (int64_t j = 0; j < in; ++j) rest[i][j] = inverse[i][in + j];
  }
  std::vector<double> w(static_cast<size_t>(out * in)), values(w.size()), scales(static_cast<size_t>(out));
  for (size_t i = 0; i < w.size(); ++i) w[i] = weight.const_data<float>()[i];
  const double middle = std::pow(2, options.bits - 1), most = 2 * middle - 1;
  for (int64_t k = 0; k < in; ++k) {
    for (int64_t n = 0; n < out; ++n) {
      double* const row = w.data() + n * in;
      if (k % group == 0) {
        double least = 0, largest = 0;
        for (int64_t j = k; j < k + group; ++j) {
          least = std::min(least, row[j]);
          largest = std::max(largest, row[j]);
        }
        const double reach = std::max(-least, largest);
        const double range = least < 0 ? 2 * reach : reach;
        scales[n] = static_cast<double>(float16(static_cast<float>(range / most)));
      }
      const double q = std::clamp(std::round(row[k] / scales[n]) + middle, 0.0, most);
      values[n * in + k] = scales[n] * (q - middle);
      const double error = (row[k] - values[n * in + k]) / rest[k][k];
      for (int64_t j = k; j < in; ++j) row[j] -= error * rest[k][j];
    }
    for (int64_t i = k + 1; i < in; ++i) {
      const double factor = rest[i][k] / rest[k][k];
      for (int64_t j = 0; j < in; ++j) rest[i][j] -= factor * rest[k][j];
    }
  }
  return values;
}

TEST(GptqEncode, AsThePaperDerivesIt) {
  const Tensor weight = random_matrix(16, 192, 1, 0.05F), hessian = hessian_of(inputs(400, 192));
  const GptqOptions options{.bits = 4, .group_size = 64};
  const std::vector<double> expected = rounded_plainly(weight, hessian, options);
  const std::vector<float> got = decoded(encode_gptq(weight, hessian, options).tensors, 4);
  // A value that lies between two may fall to either side, and then moves those that follow.
  int64_t other = 0;
  for (size_t i = 0; i < got.size(); ++i) other += std::abs(got[i] - expected[i]) > 1e-6 ? 1 : 0;
  EXPECT_LT(other, static_cast<int64_t>(got.size()) / 50);
}

class EachBits : public testing::TestWithParam<int64_t> {};
INSTANTIATE_TEST_SUITE_P(All, EachBits, testing::Values(2, 3, 4, 8));

// Fewer errors than without looking at inputs (a Hessian without ties between inputs rounds each by itself), as many as
// are reported, and what is stored is what was decided on.
TEST_P(EachBits, ProductsChangeLess) {
  const int64_t bits = GetParam();
  const Tensor weight = random_matrix(32, 128, 2, 0.05F), x = inputs(300, 128);
  Tensor alone = Tensor::zeros({128, 128});
  for (int64_t i = 0; i < 128; ++i) alone.data<float>()[i * 129] = 1;
  const Tensor hessian = hessian_of(x);
  for (const bool sym : {true, false}) {
    for (const bool desc_act : {true, false}) {
      const GptqOptions options{.bits = bits, .group_size = 64, .sym = sym, .desc_act = desc_act};
      const GptqResult result = encode_gptq(weight, hessian, options);
      const double error = error_of_products(weight, decoded(result.tensors, bits), x);
      const double nearest = error_of_products(weight, decoded(encode_gptq(weight, alone, options).tensors, bits), x);
      EXPECT_LT(error, 0.7 * nearest) << sym << desc_act;
      EXPECT_NEAR(result.error / error, 1, 0.3) << sym << desc_act;
    }
  }
}

TEST(GptqEncode, DeadInputsAndBadSizes) {
  const Tensor weight = random_matrix(8, 64, 3, 1);
  const GptqOptions options{.group_size = 32};
  const auto values = decoded(encode_gptq(weight, Tensor::zeros({64, 64}), options).tensors, 4);
  EXPECT_TRUE(std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }));
  const auto zeros = decoded(encode_gptq(Tensor::zeros({8, 64}), Tensor::zeros({64, 64}), options).tensors, 4);
  EXPECT_EQ(zeros, std::vector<float>(8 * 64, 0.0F));
  EXPECT_THROW(encode_gptq(weight, Tensor::zeros({64, 64}), {.group_size = 48}), Error);
  EXPECT_THROW(encode_gptq(weight, Tensor::zeros({64, 64}), {.bits = 5, .group_size = 32}), Error);
  EXPECT_THROW(encode_gptq(weight, Tensor::zeros({32, 32}), options), Error);
  EXPECT_THROW(encode_gptq(random_matrix(9, 64, 3, 1), Tensor::zeros({64, 64}), options), Error);
  const Tensor nan = Tensor::full({64, 64}, std::nan(""));
  EXPECT_THROW(encode_gptq(weight, nan, options), Error);
  EXPECT_THROW(encode_gptq(Tensor::full({8, 64}, std::nan("")), Tensor::zeros({64, 64}), options), Error);
}

TEST(AwqEncode, NearestValuesAreStored) {
  const Tensor weight = random_matrix(16, 128, 4, 0.05F);
  const AwqTensors t = encode_awq(weight, 64);
  const auto values = decode(awq_weight(t.qweight, t.qzeros, t.scales, DType::f32)).to_vector<float>();
  for (int64_t n = 0; n < 16; ++n) {
    for (int64_t k = 0; k < 128; ++k) {
      const float* const run = weight.const_data<float>() + n * 128 + k / 64 * 64;
      const auto [least, most] = std::minmax_element(run, run + 64);
      // Half a step, and one at the ends, where zero points are rounded.
      EXPECT_NEAR(values[static_cast<size_t>(n * 128 + k)], run[k % 64], 1.02 * (*most - *least) / 15)
          << n << ", " << k;
    }
  }
  EXPECT_THROW(encode_awq(random_matrix(9, 64, 4, 1), 64), Error);
  EXPECT_THROW(encode_awq(random_matrix(8, 65, 4, 1), 64), Error);
}

TEST(AwqEncode, ScalesMakeProductsNearer) {
  const Tensor weight = random_matrix(32, 128, 7, 0.05F), x = inputs(300, 128);
  std::vector<float> means(128);
  for (int64_t i = 0; i < x.numel(); ++i)
    means[static_cast<size_t>(i % 128)] += std::abs(x.const_data<float>()[i]) / 300;
  const std::vector<float> scales = awq_input_scales({weight}, means, x, 128);
  EXPECT_GT(scales[3], scales[4]);  // an input of large magnitude
  const auto rounded = [&](const std::vector<float>& factors) {
    Tensor scaled = Tensor::empty(weight.shape());
    for (int64_t i = 0; i < weight.numel(); ++i) {
      scaled.data<float>()[i] = weight.const_data<float>()[i] * factors[static_cast<size_t>(i % 128)];
    }
    const AwqTensors t = encode_awq(scaled, 128);
    auto values = decode(awq_weight(t.qweight, t.qzeros, t.scales, DType::f32)).to_vector<float>();
    for (size_t i = 0; i < values.size(); ++i) values[i] /= factors[i % 128];
    return error_of_products(weight, values, x);
  };
  EXPECT_LT(rounded(scales), 0.8 * rounded(std::vector<float>(128, 1.0F)));
}

}  // namespace
}  // namespace imago::quant
