// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/cross_entropy/cross_entropy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "imago/ops/apply.h"
#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

TEST(CrossEntropy, IsTorchs) {
  const Tensor logits = sample_values({4, 5}, -5, 5), target = Tensor::from<int64_t>({3, -100, 0, 4});
  expect_tensor(cross_entropy(logits, target), {}, {2.645299095595343});
  expect_tensor(cross_entropy(logits, target, {-100, 0, "sum"}), {}, {7.9358972867860285});
  expect_tensor(cross_entropy(logits, target, {-100, 0.1, "none"}), {4},
                {4.764455287459527, 0, 0.6531989708074064, 2.7231738562820693});
  expect_tensor(cross_entropy(logits, target, {-100, 0.1, "mean"}), {}, {2.713609371516334});
}

TEST(CrossEntropy, OfImages) {
  const Tensor target = Tensor::from<int64_t>({0, 1, 2, 1, 0, 0, 2, 2}, {2, 2, 2});
  expect_tensor(cross_entropy(sample_values({2, 3, 2, 2}), target, {-100, 0, "none"}), {2, 2, 2},
                {1.9560112953222615, 3.574547058843458, 0.643298853253936, 0.9081142488093412, 2.1290554107968336,
                 0.15344844847665784, 2.775928690090258, 2.9604963090018157});
}

// A row that is nearly sure: what is left over is smaller than the last digits of 1.
TEST(CrossEntropy, OfWhatIsNearlySure) {
  const Tensor logits = Tensor::from<float>({0.25f, 12.5f, -3.0f}, {1, 3}), target = Tensor::from<int64_t>({1});
  const double first = std::exp(-12.25), last = std::exp(-15.5), total = 1 + first + last;
  EXPECT_NEAR(cross_entropy(logits, target).item<double>() / std::log1p(first + last), 1, 1e-6);
  const auto grad = apply(op::CrossEntropyGrad{-100, 0}, logits, target, Tensor::ones({1})).to_vector<double>();
  EXPECT_NEAR(grad[0] * total / first, 1, 1e-6);
  EXPECT_NEAR(grad[1] * total / -(first + last), 1, 1e-6);
  EXPECT_NEAR(grad[2] * total / last, 1, 1e-6);
}

TEST(CrossEntropy, MeanOverNothingIsNaN) {
  EXPECT_TRUE(std::isnan(cross_entropy(Tensor::ones({1, 3}), Tensor::from<int64_t>({-100})).item<double>()));
}

TEST(CrossEntropy, ChecksTargetsBeforeReading) {
  expect_error(ErrorKind::kInvalidArgument, "target 5 is not one of 5 classes", [] {
    cross_entropy(Tensor::ones({2, 5}), Tensor::from<int64_t>({0, 5}));
  });
  expect_error(ErrorKind::kInvalidArgument, "target -1", [] {
    cross_entropy(Tensor::ones({2, 5}), Tensor::from<int64_t>({-1, 0}));
  });
  expect_error(ErrorKind::kInvalidArgument, "target is int64 [3] on cpu, not of shape [2]", [] {
    cross_entropy(Tensor::ones({2, 5}), Tensor::from<int64_t>({0, 1, 2}));
  });
  expect_error(ErrorKind::kInvalidArgument, "reduction is \"avg\"", [] {
    cross_entropy(Tensor::ones({1, 5}), Tensor::from<int64_t>({0}), {-100, 0, "avg"});
  });
}

}  // namespace
}  // namespace imago
