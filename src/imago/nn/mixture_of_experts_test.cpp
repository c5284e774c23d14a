#include "imago/nn/mixture_of_experts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "imago/base/error.h"
#include "imago/ops/operators.h"

namespace imago::nn {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

TEST(RouteBySoftmax, TakesTheBestAndWeightsThemByTheSoftmaxOverAll) {
  const Tensor logits = Tensor::from(std::vector<float>{0, 2, 1, -1}, {1, 4});
  const Routing routing = route_by_softmax(logits, 2, false);
  EXPECT_THAT(routing.experts.to_vector<int64_t>(), ElementsAre(1, 2));
  EXPECT_THAT(routing.weights.to_vector<float>(),
              ElementsAre(FloatNear(0.643914F, 1e-6F), FloatNear(0.236883F, 1e-6F)));
}

TEST(RouteBySoftmax, NormalisedWeightsSumToOne) {
  const Tensor logits = Tensor::from(std::vector<float>{0, 2, 1, -1}, {1, 4});
  const Routing routing = route_by_softmax(logits, 2, true);
  EXPECT_THAT(routing.weights.to_vector<float>(),
              ElementsAre(FloatNear(0.731059F, 1e-6F), FloatNear(0.268941F, 1e-6F)));
}

// Expert e multiplies by e + 1.
TEST(MixExperts, EachTokenGetsItsOwn) {
  const Tensor x = Tensor::from(std::vector<float>{1, 10, 2, 20, 3, 30}, {3, 2});
  const Routing routing{Tensor::from(std::vector<int64_t>{2, 0, 0, 2, 2, 3}, {3, 2}),
                        Tensor::from(std::vector<float>{1, 0.5F, 0.25F, 0, 1, -1}, {3, 2})};
  std::vector<int64_t> called;
  const Tensor mixed = mix_experts(x, routing, 4, [&](int64_t expert, const Tensor& rows) {
    called.push_back(expert);
    return rows * static_cast<double>(expert + 1);
  });
  EXPECT_THAT(called, ElementsAre(0, 2, 3));  // once each, and expert 1 not at all
  EXPECT_THAT(mixed.to_vector<float>(), ElementsAre(3.5F, 35, 0.5F, 5, -3, -30));
}

TEST(MixExperts, OfNoTokensIsNothing) {
  const Routing routing{Tensor::zeros({0, 2}, DType::i64), Tensor::zeros({0, 2})};
  const Tensor mixed = mix_experts(Tensor::zeros({0, 8}), routing, 4, [](int64_t, const Tensor& rows) { return rows; });
  EXPECT_EQ(mixed.shape(), (Shape{0, 8}));
}

TEST(RequireExperts, RefusesMoreOfThemThanThereAre) {
  EXPECT_NO_THROW(require_experts("num_experts", 4, 4));
  EXPECT_THROW(require_experts("num_experts", 4, 5), Error);
  EXPECT_THROW(require_experts("num_experts", 0, 0), Error);
  EXPECT_THROW(require_experts("num_experts", int64_t{1} << 40, 2), Error);
}

}  // namespace
}  // namespace imago::nn
