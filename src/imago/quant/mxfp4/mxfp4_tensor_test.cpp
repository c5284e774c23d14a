#include "imago/quant/mxfp4/mxfp4_tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "imago/base/error.h"
#include "imago/ops/linear/linear.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::quant {
namespace {

// Two rows of one block: every byte is 0x21 (0.5, then 1), and 0xF7 (6, then -6).
Tensor example() {
  std::vector<uint8_t> blocks(32, 0x21);
  std::fill(blocks.begin() + 16, blocks.end(), 0xF7);
  return mxfp4_matrix(Tensor::from(blocks, {2, 1, 16}), Tensor::from(std::vector<uint8_t>{127, 130}, {2, 1}),
                      DType::f32);
}

TEST(MXFP4Matrix, TheLowBitsComeFirst) {
  const std::vector<float> values = decode(example()).to_vector<float>();
  EXPECT_EQ(values[0], 0.5F);
  EXPECT_EQ(values[1], 1.0F);
  EXPECT_EQ(values[31], 1.0F);
  EXPECT_EQ(values[32], 48.0F);
  EXPECT_EQ(values[33], -48.0F);
}

TEST(MXFP4Matrix, Multiplies) {
  std::vector<float> x(64, 0);
  x[0] = 2;  // row 0: the first two columns
  x[1] = 1;
  x[32 + 31] = 3;  // row 1: the last
  const Tensor bias = Tensor::from(std::vector<float>{1, 0});
  EXPECT_THAT(linear(Tensor::from(x, {2, 32}), example(), bias).to_vector<float>(),
              testing::ElementsAre(3, 48, 4, -144));
}

TEST(MXFP4Matrix, RefusesOtherShapes) {
  const Tensor blocks = Tensor::from(std::vector<uint8_t>(32), {2, 1, 16});
  EXPECT_THROW(mxfp4_matrix(blocks, Tensor::from(std::vector<uint8_t>(2), {1, 2}), DType::f32), Error);
  EXPECT_THROW(mxfp4_matrix(blocks, Tensor::from(std::vector<float>(2), {2, 1}), DType::f32), Error);
}

}  // namespace
}  // namespace imago::quant
