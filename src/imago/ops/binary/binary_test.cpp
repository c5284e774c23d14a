#include "imago/ops/binary/binary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/ops/operators.h"
#include "imago/ops/unary/unary.h"

namespace imago {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

Tensor integers(const std::vector<int64_t>& values) { return Tensor::from(values); }
Tensor numbers(const std::vector<double>& values) { return Tensor::from(values); }

TEST(Binary, DivisionOfIntegersRoundsDown) {
  const Tensor a = integers({7, -7, 7, -7}), b = integers({2, 2, -2, -2});
  EXPECT_THAT(floor_divide(a, b).to_vector<int64_t>(), ElementsAre(3, -4, -4, 3));
  EXPECT_THAT(remainder(a, b).to_vector<int64_t>(), ElementsAre(1, 1, -1, -1));
  EXPECT_THAT(fmod(a, b).to_vector<int64_t>(), ElementsAre(1, -1, 1, -1));
}

TEST(Binary, DivisionOfNumbersRoundsDown) {
  EXPECT_THAT(floor_divide(numbers({1, -1, 5, 0}), numbers({0.1, 0.1, 0, -3})).to_vector<double>(),
              ElementsAre(9, -10, INFINITY, -0.0));
  EXPECT_THAT(remainder(numbers({-5.5, 5.5}), numbers({2, -2})).to_vector<double>(), ElementsAre(0.5, -0.5));
}

TEST(Binary, AnIntegerDividedByZeroIsAnError) {
  EXPECT_THAT(
      [] {
        floor_divide(integers({1, 2}), integers({1, 0}));
      },
      ThrowsMessage<Error>(HasSubstr("divided by zero")));
  EXPECT_THAT([] { remainder(integers({1}), 0); }, ThrowsMessage<Error>(HasSubstr("divided by zero")));
  EXPECT_THAT([] { fmod(integers({1}), integers({0})); }, ThrowsMessage<Error>(HasSubstr("divided by zero")));
}

TEST(Binary, IntegersWrapAround) {
  constexpr int64_t kSmallest = std::numeric_limits<int64_t>::min();
  EXPECT_EQ((Tensor::from<int8_t>({127}) + Tensor::from<int8_t>({1})).item<int8_t>(), -128);
  EXPECT_EQ((Tensor::from<int32_t>({2147483647}) * 2).item<int32_t>(), -2);
  EXPECT_EQ((Tensor::from<uint8_t>({200}) * Tensor::from<uint8_t>({2})).item<uint8_t>(), 144);
  EXPECT_EQ(abs(Tensor::from<int8_t>({-128})).item<int8_t>(), -128);
  EXPECT_EQ(floor_divide(integers({kSmallest}), integers({-1})).item<int64_t>(), kSmallest);
  EXPECT_EQ(remainder(integers({kSmallest}), integers({-1})).item<int64_t>(), 0);
}

TEST(Binary, IntegerPowers) {
  EXPECT_THAT(pow(integers({3, -2, 2}), integers({3, 5, 62})).to_vector<int64_t>(),
              ElementsAre(27, -32, int64_t{1} << 62));
  EXPECT_THAT(pow(integers({2, -1, 0, 1}), integers({-1, -3, 0, -2})).to_vector<int64_t>(), ElementsAre(0, -1, 1, 1));
  EXPECT_THAT([] { pow(integers({2}), -1); }, ThrowsMessage<Error>(HasSubstr("negative power")));
}

TEST(Binary, NaNWinsExtremes) {
  EXPECT_TRUE(std::isnan(maximum(numbers({NAN}), numbers({1})).item<double>()));
  EXPECT_TRUE(std::isnan(minimum(numbers({1}), numbers({NAN})).item<double>()));
  EXPECT_TRUE(std::isnan(clamp(numbers({NAN}), 0, 1).item<double>()));
  EXPECT_EQ(clamp(numbers({0}), 2, 1).item<double>(), 1);
}

TEST(Binary, ThereIsNoPromotion) {
  EXPECT_THAT(
      [] { numbers({1}) + integers({1}); },
      ThrowsMessage<Error>(HasSubstr("[add] dtypes differ: float64 [1] on cpu and int64 [1] on cpu. Hint: cast")));
  EXPECT_THAT([] { integers({1}) * 0.5; }, ThrowsMessage<Error>(HasSubstr("the number 0.5 is no int64")));
  EXPECT_THAT([] { Tensor::from<int8_t>({1}) + 200; }, ThrowsMessage<Error>(HasSubstr("no int8")));
  EXPECT_THAT([] { integers({1}) / integers({1}); }, ThrowsMessage<Error>(HasSubstr("floating-point")));
  EXPECT_THAT([] { add(numbers({1, 2}), numbers({1, 2, 3})); }, ThrowsMessage<Error>(HasSubstr("do not broadcast")));
}

}  // namespace
}  // namespace imago
