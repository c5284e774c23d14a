// Every format against the reference's values in its folder (see tools/quant/write_references.py) and against itself.
#include "imago/quant/format.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>
#include <set>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/kernels/cpu/test_targets.h"
#include "imago/ops/embedding/embedding.h"
#include "imago/ops/linear/linear.h"
#include "imago/quant/block_matrix.h"
#include "imago/quant/group_product.h"
#include "imago/quant/vnni.h"

namespace imago::quant {
namespace {

class EachFormat : public testing::TestWithParam<std::string> {
 protected:
  const Format& format() const { return find_format(GetParam()); }
  // An array of the reference's; empty where there is none.
  template <class T>
  std::vector<T> reference(const std::string& name) const {
    const std::string path = IMAGO_SOURCE_DIR "/src/imago/quant/" + GetParam() + "/reference/" + name + ".bin";
    if (!std::filesystem::exists(path)) return {};
    const std::string bytes = read_file(path);
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
};

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const Format& format : formats()) names.emplace_back(format.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, EachFormat, testing::ValuesIn(names()), [](const auto& test) { return test.param; });

// The reference (the Python package gguf) writes all but these, which it only reads.
class EncodedFormat : public EachFormat {};

std::vector<std::string> encoded_names() {
  const std::set<std::string> only_read = {"iq4_nl", "iq4_xs", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k"};
  std::vector<std::string> encoded = names();
  std::erase_if(encoded, [&](const std::string& name) { return only_read.contains(name); });
  return encoded;
}

INSTANTIATE_TEST_SUITE_P(All, EncodedFormat, testing::ValuesIn(encoded_names()),
                         [](const auto& test) { return test.param; });

Tensor random_matrix(int64_t rows, int64_t columns, uint32_t seed, float spread = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0, spread);
  Tensor matrix = Tensor::empty({rows, columns});
  for (int64_t i = 0; i < matrix.numel(); ++i) matrix.data<float>()[i] = distribution(generator);
  return matrix;
}

const BlockMatrix& blocks_of(const Tensor& tensor) { return dynamic_cast<const BlockMatrix&>(*tensor.encoding()); }

TEST_P(EachFormat, DecodesAsTheReference) {
  const auto blocks = reference<std::byte>("blocks");
  const auto expected = reference<float>("decoded");
  const auto count = static_cast<int64_t>(expected.size()) / format().block_elements;
  ASSERT_GT(count, 0);
  ASSERT_EQ(static_cast<int64_t>(blocks.size()), count * format().block_bytes);
  kernels::for_each_target([&] {
    std::vector<float> decoded(expected.size());
    decode_blocks(format(), blocks.data(), count, decoded.data());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(std::bit_cast<uint32_t>(decoded[i]), std::bit_cast<uint32_t>(expected[i]))
          << "element " << i << ": " << decoded[i] << ", not " << expected[i];
    }
  });
}

TEST_P(EncodedFormat, EncodesAsTheReference) {
  const auto values = reference<float>("values");
  ASSERT_FALSE(values.empty());
  const Tensor encoded = encode(Tensor::from(values, {3, static_cast<int64_t>(values.size()) / 3}), format());
  const auto bytes = blocks_of(encoded).bytes();
  const auto expected = reference<std::byte>("blocks");
  ASSERT_EQ(bytes.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(bytes[i], expected[i]) << "byte " << i;
}

// What is decoded encodes to the same values again, up to the search; and the error shrinks with the bits as it should.
TEST_P(EachFormat, ErrorOfEncoding) {
  const Tensor matrix = random_matrix(16, 512, 1);
  const std::vector<float> before = matrix.to_vector<float>(),
                           after = decode(encode(matrix, format())).to_vector<float>();
  double squares = 0, errors = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    squares += std::pow(before[i], 2);
    errors += std::pow(before[i] - after[i], 2);
  }
  // A uniform quantizer of b bits over +-3 sigma is off by 6 / 2^b / sqrt(12) sigma; twice that is allowed. Floats of
  // 7 bits of mantissa are off by 2^-8 at most.
  const double bits = std::floor(format().bits_per_weight());
  const double bound = format().group == 0 ? 0x1p-8 : 2 * 6 / std::pow(2, bits) / std::sqrt(12);
  EXPECT_LT(std::sqrt(errors / squares), bound) << format().bits_per_weight();
}

double magnitude_of_run(const float* x, int64_t run) {
  double largest = 0;
  for (int64_t i = run * 32; i < run * 32 + 32; ++i) largest = std::max<double>(largest, std::abs(x[i]));
  return largest;
}

// Against products of the decoded matrix in double, within the bound that group_product.h states and a float sum's own.
void check_product(const Format& format, int64_t m, int64_t rows, int64_t columns) {
  SCOPED_TRACE(testing::Message() << "m " << m << ", rows " << rows << ", columns " << columns);
  const Tensor x = random_matrix(m, columns, 2), weight = encode(random_matrix(rows, columns, 3, 0.1F), format);
  const Tensor bias = random_matrix(1, rows, 4);
  const Tensor plain = decode(weight);
  std::vector<float> y(static_cast<size_t>(m * rows));
  weight.encoding()->multiply(x.const_data<float>(), m, columns, bias.const_data<float>(), y.data());
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t r = 0; r < rows; ++r) {
      const float *a = x.const_data<float>() + i * columns, *w = plain.const_data<float>() + r * columns;
      double sum = bias.const_data<float>()[r], absolute = std::abs(sum), rounding = 0;
      for (int64_t k = 0; k < columns; ++k) {
        sum += static_cast<double>(a[k]) * w[k];
        absolute += std::abs(static_cast<double>(a[k]) * w[k]);
        // |scale * q| is |w| without offset; with one it is at most the sum of both, which 4 |largest w| stands for.
        rounding += (format.has_offset ? 0.8 : std::abs(w[k])) * magnitude_of_run(a, k / 32) / 65278;
      }
      const double bound = rounding + (static_cast<double>(columns) / 8 + 8) * 0x1p-24 * absolute;
      ASSERT_LE(std::abs(y[static_cast<size_t>(i * rows + r)] - sum), bound) << i << ", " << r;
    }
  }
}

TEST_P(EachFormat, ProductsInEveryInstructionSet) {
  const auto check = [&] {
    check_product(format(), 1, 37, 512);
    check_product(format(), 1, 3, 256 * 5);
    check_product(format(), 3, 5, 256);
    check_product(format(), kMaxProductRows, 9, 768);
    check_product(format(), kMaxProductRows + 5, 33, 256);
    check_product(format(), 45, 33, 768);
    if (format().block_elements > 32) return;
    for (const int64_t m : {1, 7, 33}) check_product(format(), m, 6, 512 + 32 * m);
  };
  kernels::for_each_target([&] {
    check();
    allow_vnni(false);
    check();
    allow_vnni(true);
  });
}

// Infinities and NaN reach every element of y that they reach in float, and rows of zeros and of tiny values are no
// special case.
TEST_P(EachFormat, OddInputs) {
  const Tensor weight = encode(random_matrix(4, 256, 9), format());
  for (const int64_t m : {1, 9, 40}) {
    Tensor x = Tensor::zeros({m, 256});
    const auto product = [&] {
      std::vector<float> y(static_cast<size_t>(4 * m));
      weight.encoding()->multiply(x.const_data<float>(), m, 256, nullptr, y.data());
      return y;
    };
    EXPECT_EQ(product()[0], 0);
    x.data<float>()[3] = 1e-42F;
    EXPECT_LT(std::abs(product()[0]), 1e-40);
    for (const float odd : {HUGE_VALF, std::nanf("")}) {
      x.data<float>()[3] = odd;
      for (size_t r = 0; r < 4; ++r) EXPECT_FALSE(std::isfinite(product()[r])) << odd;
    }
  }
}

TEST_P(EachFormat, LinearAndEmbeddingTakeIt) {
  const Tensor weight = encode(random_matrix(6, 256, 5), format()), plain = decode(weight);
  const Tensor indices = Tensor::from<int64_t>({4, 0, 5});
  EXPECT_EQ(embedding(indices, weight).to_vector<float>(), embedding(indices, plain).to_vector<float>());
  const Tensor x = random_matrix(2, 256, 6);
  const auto got = linear(x, weight).to_vector<float>(), want = linear(x, plain).to_vector<float>();
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 2e-3);
}

TEST_P(EachFormat, RefusesWhatItCannotHold) {
  Tensor matrix = random_matrix(2, 256, 7);
  matrix.data<float>()[300] = std::nanf("");
  EXPECT_THROW(encode(matrix, format()), Error);
  EXPECT_THROW(encode(Tensor::zeros({256}), format()), Error);
  if (format().block_elements > 1) {
    EXPECT_THROW(encode(Tensor::zeros({2, 40}), format()), Error);
  }
}

TEST(Formats, Names) {
  std::set<std::string_view> names;
  for (const Format& format : formats()) EXPECT_TRUE(names.insert(format.name).second);
  EXPECT_EQ(find_format("Q8_0").ggml_type, 8u);
  EXPECT_EQ(find_ggml_format(1000), nullptr);
  EXPECT_THROW(find_format("q9_9"), Error);
}

TEST(EncodedTensor, IsNoArray) {
  const Tensor weight = encode(random_matrix(2, 32, 8), find_format("q8_0"));
  EXPECT_EQ(weight.describe(), "float32 [2, 32] as q8_0 on cpu");
  EXPECT_EQ(weight.nbytes(), 68);
  EXPECT_THROW(weight.const_data<float>(), Error);
  EXPECT_THROW(weight.alias({32}, {1}, 0), Error);
  EXPECT_THROW(Tensor(weight).set_requires_grad(true), Error);
}

}  // namespace
}  // namespace imago::quant
