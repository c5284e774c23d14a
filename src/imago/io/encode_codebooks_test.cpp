// What the packages made of a weight (tools/quant/write_checkpoints.py), bit for bit.
#include "imago/quant/codebook/encode_codebooks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/io/checkpoint.h"
#include "imago/ops/cast/cast.h"
#include "imago/quant/codebook/nest_scales.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

struct Case {
  explicit Case(const std::string& name)
      : stored(Checkpoint::open(folder(name))), wanted(Checkpoint::open_file(folder(name) + "/expected.safetensors")) {}
  static std::string folder(const std::string& name) {
    return IMAGO_SOURCE_DIR "/src/imago/io/testdata/quantized/" + name;
  }
  Tensor part(const std::string& name) const { return stored.tensor("model.layers.0.mlp.up_proj." + name); }
  Tensor source() const { return wanted.tensor("source"); }

  Checkpoint stored, wanted;
};

class FourBits : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, FourBits, testing::Values("nf4", "fp4"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(FourBits, TensorsOfThePackage) {
  const Case expected(GetParam());
  const FourBitTensors made = encode_four_bits(GetParam(), expected.source());
  EXPECT_EQ(made.codes.shape(), expected.part("weight").shape());
  EXPECT_EQ(made.codes.to_vector<uint8_t>(), expected.part("weight").to_vector<uint8_t>());
  EXPECT_EQ(made.absmax.to_vector<float>(), expected.part("weight.absmax").to_vector<float>());
  EXPECT_EQ(made.values.to_vector<float>(), expected.part("weight.quant_map").to_vector<float>());
}

// The codes are the package's; its mean, taken in float, may be off by some roundings, and the largest magnitude with
// it.
TEST(NestedScales, TensorsOfThePackage) {
  const Case expected("nf4_nested");
  FourBitTensors made = encode_four_bits("nf4", expected.source());
  nest_scales(made);
  EXPECT_EQ(made.codes.to_vector<uint8_t>(), expected.part("weight").to_vector<uint8_t>());
  EXPECT_EQ(made.nested_values.to_vector<float>(), expected.part("weight.nested_quant_map").to_vector<float>());
  EXPECT_EQ(made.absmax.to_vector<uint8_t>(), expected.part("weight.absmax").to_vector<uint8_t>());
  const auto largest = made.nested_absmax.to_vector<float>(),
             wanted = expected.part("weight.nested_absmax").to_vector<float>();
  ASSERT_EQ(largest.size(), wanted.size());
  for (size_t i = 0; i < largest.size(); ++i) EXPECT_NEAR(largest[i], wanted[i], 1e-6 * wanted[i]);

  // A last block that is not full, and scales that are all the same.
  FourBitTensors many = encode_four_bits("fp4", Tensor::full({64, 300}, 0.25));
  nest_scales(many);
  EXPECT_EQ(many.nested_absmax.numel(), 2);
  const auto values = decode(four_bit_weight("fp4", many, 64, 300, DType::f32)).to_vector<float>();
  EXPECT_EQ(values, std::vector<float>(64 * 300, 0.25F));
}

TEST_P(FourBits, ZerosAndOddSizes) {
  const FourBitTensors zeros = encode_four_bits(GetParam(), Tensor::zeros({3, 22}));
  const Tensor decoded = decode(four_bit_weight(GetParam(), zeros, 3, 22, DType::f32));
  EXPECT_EQ(decoded.to_vector<float>(), std::vector<float>(66, 0.0F));
  EXPECT_THROW(encode_four_bits(GetParam(), Tensor::zeros({3, 3})), Error);
  EXPECT_THROW(encode_four_bits(GetParam(), Tensor::full({2, 2}, std::numeric_limits<float>::infinity())), Error);
  EXPECT_THROW(encode_four_bits("nf5", Tensor::zeros({2, 2})), Error);
}

TEST(EncodeInt8, TensorsOfThePackage) {
  const Case expected("int8");
  const Int8Tensors made = encode_int8(expected.source());
  EXPECT_EQ(made.codes.to_vector<int8_t>(), expected.part("weight").to_vector<int8_t>());
  EXPECT_EQ(made.largest.to_vector<float>(), expected.part("SCB").to_vector<float>());
  EXPECT_EQ(encode_int8(Tensor::zeros({2, 3})).codes.to_vector<int8_t>(), std::vector<int8_t>(6, 0));
}

TEST(EncodeFp8, TensorsOfTheReference) {
  const Case expected("fp8_made");
  const Fp8Tensors made = encode_fp8(expected.source(), 128, 128);
  EXPECT_EQ(cast(made.codes, DType::f32).to_vector<float>(),
            cast(expected.part("weight"), DType::f32).to_vector<float>());
  EXPECT_EQ(made.scales.to_vector<float>(), expected.part("weight_scale_inv").to_vector<float>());
}

// Tiles at the edges are smaller.
TEST(EncodeFp8, RoundTripWithARest) {
  Tensor weight = Tensor::empty({5, 7});
  for (int64_t i = 0; i < 35; ++i) weight.data<float>()[i] = std::sin(static_cast<float>(i));
  const Fp8Tensors made = encode_fp8(weight, 2, 4);
  EXPECT_EQ(made.scales.shape(), (Shape{3, 2}));
  const auto values = decode(fp8_weight(made.codes, made.scales, 2, 4, DType::f32)).to_vector<float>();
  for (int64_t i = 0; i < 35; ++i) {
    EXPECT_NEAR(values[static_cast<size_t>(i)], std::sin(static_cast<float>(i)), 1.0 / 16);
  }
}

}  // namespace
}  // namespace imago::quant
