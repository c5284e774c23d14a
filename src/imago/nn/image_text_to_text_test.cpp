#include "imago/nn/image_text_to_text.h"

#include <gtest/gtest.h>

#include "imago/autograd/backward.h"
#include "imago/base/error.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"

namespace imago::nn {
namespace {

TEST(PutFeatures, StandInThePlaceOfTheirTokens) {
  const Tensor ids = Tensor::from(std::vector<int64_t>{1, 7, 2, 7, 7, 3}, {2, 3});
  Tensor words = Tensor::from(std::vector<float>{1, 1, 0, 0, 2, 2, 0, 0, 0, 0, 3, 3}, {2, 3, 2});
  Tensor features = Tensor::from(std::vector<float>{10, 11, 20, 21, 30, 31}, {3, 2});
  words.set_requires_grad(true);
  features.set_requires_grad(true);
  const Tensor both = put_features(words, ids, 7, features);
  EXPECT_EQ(both.to_vector<float>(), (std::vector<float>{1, 1, 10, 11, 2, 2, 20, 21, 30, 31, 3, 3}));
  backward(sum(both * both) / 2.0);
  EXPECT_EQ(words.grad().to_vector<float>(), (std::vector<float>{1, 1, 0, 0, 2, 2, 0, 0, 0, 0, 3, 3}));
  EXPECT_EQ(features.grad().to_vector<float>(), (std::vector<float>{10, 11, 20, 21, 30, 31}));
}

TEST(PutFeatures, RefusesAnotherNumberOfThem) {
  const Tensor ids = Tensor::from(std::vector<int64_t>{1, 7, 2}, {1, 3});
  EXPECT_THROW(put_features(Tensor::zeros({1, 3, 2}), ids, 7, Tensor::zeros({2, 2})), Error);
}

TEST(MaskedPositions, DoNotCountPadding) {
  const Tensor ids = Tensor::zeros({2, 4}, DType::i64);
  const Tensor mask = Tensor::from(std::vector<int64_t>{1, 1, 1, 1, 0, 0, 1, 1}, {2, 4});
  EXPECT_EQ(masked_positions(ids, mask).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2, 3, 0, 0, 0, 1}));
  EXPECT_EQ(masked_positions(ids, {}).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2, 3, 0, 1, 2, 3}));
}

}  // namespace
}  // namespace imago::nn
