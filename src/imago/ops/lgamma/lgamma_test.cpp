#include "imago/ops/lgamma/lgamma.h"

#include <gtest/gtest.h>

#include <cmath>

namespace imago {
namespace {

double at(Tensor (*function)(const Tensor&), double x) {
  return function(Tensor::scalar(x, DType::f64)).item<double>();
}

// Abramowitz and Stegun, 6.1.8, 6.3.2 to 6.3.5.
TEST(Lgamma, HasTheKnownValues) {
  EXPECT_NEAR(at(lgamma, 0.5), std::log(std::sqrt(M_PI)), 1e-15);
  EXPECT_EQ(at(lgamma, 1), 0);
  EXPECT_NEAR(at(lgamma, 11), std::log(3628800.0), 1e-14);
  const double euler = 0.57721566490153286061;
  EXPECT_NEAR(at(digamma, 1), -euler, 1e-15);
  EXPECT_NEAR(at(digamma, 0.5), -euler - 2 * std::log(2.0), 4e-15);
  EXPECT_NEAR(at(digamma, 4), -euler + 1 + 1.0 / 2 + 1.0 / 3, 1e-15);
  EXPECT_TRUE(std::isnan(at(digamma, -1)));
}

}  // namespace
}  // namespace imago
