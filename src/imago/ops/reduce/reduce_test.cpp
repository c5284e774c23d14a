#include "imago/ops/reduce/reduce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "imago/base/error.h"

namespace imago {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Reduce, OfNothing) {
  const Tensor none = Tensor::zeros({0, 3});
  EXPECT_THAT(sum(none, {0}).to_vector<float>(), ElementsAre(0, 0, 0));
  EXPECT_THAT(prod(none, {0}).to_vector<float>(), ElementsAre(1, 1, 1));
  EXPECT_TRUE(std::isnan(mean(none).item<float>()));
  EXPECT_FALSE(any(none).item<bool>());
  EXPECT_TRUE(all(none).item<bool>());
  EXPECT_EQ(logsumexp(none, {}).item<float>(), -INFINITY);
  EXPECT_EQ(argmax(none, 1).numel(), 0);
  EXPECT_THAT([&] { amax(none, {0}); }, ThrowsMessage<Error>(HasSubstr("there are no elements along [0]")));
  EXPECT_THAT([&] { argmin(none); }, ThrowsMessage<Error>(HasSubstr("there are no elements")));
}

TEST(Reduce, NaNPropagatesAndIsFoundFirst) {
  const Tensor x = Tensor::from<float>({1, NAN, 5, NAN}, {4});
  EXPECT_TRUE(std::isnan(amax(x).item<float>()));
  EXPECT_TRUE(std::isnan(amin(x).item<float>()));
  EXPECT_EQ(argmax(x).item<int64_t>(), 1);
  EXPECT_EQ(argmin(x).item<int64_t>(), 1);
  EXPECT_TRUE(std::isnan(min(x, 0).values.item<float>()));
}

TEST(Reduce, TheFirstOfEqualsIsTheExtreme) {
  EXPECT_EQ(argmax(Tensor::from<int64_t>({3, 5, 5})).item<int64_t>(), 1);
  EXPECT_EQ(argmin(Tensor::from<float>({3, 1, 1})).item<int64_t>(), 1);
}

TEST(Reduce, IntegersSumTo64Bits) {
  const Tensor x = Tensor::full({300}, 1, DType::boolean);
  EXPECT_EQ(sum(x).dtype(), DType::i64);
  EXPECT_EQ(sum(x).item<int64_t>(), 300);
  EXPECT_EQ(prod(Tensor::full({10}, 100, DType::u8)).item<int64_t>(), 7766279631452241920);  // 100^10 modulo 2^64
}

// Summed one after the other in float32, ten million times 0.1 give 1087937.
TEST(Reduce, LongSumsStayExact) {
  const Tensor x = Tensor::full({10'000'000}, 0.1, DType::f32);
  EXPECT_EQ(sum(x).item<float>(), 1000000.0f);
  EXPECT_EQ(sum(Tensor::full({4096, 3}, 1, DType::bf16), {0}).to_vector<float>(), std::vector<float>(3, 4096));
}

TEST(Reduce, LogSumExpOfInfinities) {
  EXPECT_EQ(logsumexp(Tensor::full({2}, -INFINITY), {0}).item<float>(), -INFINITY);
  EXPECT_EQ(logsumexp(Tensor::from<float>({INFINITY, 1}), {0}).item<float>(), INFINITY);
}

TEST(Reduce, DimensionsAreChecked) {
  EXPECT_THAT([] { sum(Tensor::zeros({2, 3}), {2}); }, ThrowsMessage<Error>(HasSubstr("[sum]")));
  EXPECT_THAT([] { sum(Tensor::zeros({2, 3}), {1, -1}); }, ThrowsMessage<Error>(HasSubstr("listed twice")));
  EXPECT_EQ(sum(Tensor::scalar(3), {-1}).item<float>(), 3);
}

}  // namespace
}  // namespace imago
