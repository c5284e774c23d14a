#include "imago/nn/alibi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "imago/ops/cast/cast.h"

namespace imago::nn {
namespace {

using testing::ElementsAre;

TEST(AlibiSlopes, AreThoseOfThePaperForAPowerOfTwo) {
  EXPECT_THAT(alibi_slopes(8, DType::f64).to_vector<double>(),
              ElementsAre(0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625));
}

// Expected values are the reference's build_alibi_tensor.
TEST(AlibiSlopes, InterleaveForOtherNumbersOfHeads) {
  EXPECT_THAT(alibi_slopes(6, DType::f32).to_vector<float>(),
              ElementsAre(0.25F, 0.0625F, 0.015625F, 0.00390625F, 0.5F, 0.125F));
}

TEST(AlibiBias, PaddingDoesNotCountAsPosition) {
  const Tensor mask = Tensor::from(std::vector<int64_t>{1, 1, 1, 1, 0, 0, 1, 1}, {2, 4});
  const Tensor bias = alibi_bias(alibi_slopes(3, DType::f32), mask, 4);
  EXPECT_EQ(bias.shape(), (Shape{2, 3, 1, 4}));
  EXPECT_THAT(bias.to_vector<float>(), ElementsAre(0, 0.0625F, 0.125F, 0.1875F, 0, 0.00390625F, 0.0078125F, 0.01171875F,
                                                   0, 0.25F, 0.5F, 0.75F,  //
                                                   0, 0, 0, 0.0625F, 0, 0, 0, 0.00390625F, 0, 0, 0, 0.25F));
}

TEST(AlibiBias, RoundsPositionsToTheSlopesType) {
  const Tensor bias = cast(alibi_bias(alibi_slopes(6, DType::bf16), {}, 300), DType::f32);
  EXPECT_EQ(bias.shape(), (Shape{1, 6, 1, 300}));
  const std::vector<float> values = bias.to_vector<float>();
  EXPECT_THAT(std::vector<float>(values.begin() + 296, values.begin() + 300), ElementsAre(74, 74, 74.5F, 75));
}

}  // namespace
}  // namespace imago::nn
