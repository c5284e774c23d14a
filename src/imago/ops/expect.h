// What tests of operations say about tensors and errors.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "imago/base/error.h"
#include "imago/tensor/tensor.h"

namespace imago {

// Elements may differ by `tolerance`, relative to the largest expected one. NaN equals NaN.
inline void expect_tensor(const Tensor& actual, const Shape& shape, const std::vector<double>& expected,
                          double tolerance = 1e-14) {
  ASSERT_EQ(actual.shape().to_string(), shape.to_string());
  ASSERT_EQ(actual.numel(), static_cast<int64_t>(expected.size()));
  double largest = 0;
  for (double value : expected) largest = std::max(largest, std::isfinite(value) ? std::abs(value) : 0);
  const std::vector<double> values = actual.to_vector<double>();
  for (size_t i = 0; i < expected.size(); ++i) {
    if (values[i] == expected[i] || (std::isnan(values[i]) && std::isnan(expected[i]))) continue;
    EXPECT_LE(std::abs(values[i] - expected[i]), tolerance * largest)
        << "element " << i << ": " << values[i] << " instead of " << expected[i];
  }
}

// `call` throws an Error of that kind whose message contains `text`.
template <class Call>
void expect_error(ErrorKind kind, const std::string& text, Call call) {
  try {
    call();
    ADD_FAILURE() << "no error that says \"" << text << '"';
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

}  // namespace imago
