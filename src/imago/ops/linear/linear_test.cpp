// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/linear/linear.h"

#include <gtest/gtest.h>

#include "imago/ops/expand/expand.h"
#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

TEST(Linear, IsTorchs) {
  const Tensor x = sample_values({2, 1, 3}), weight = sample_values({4, 3}, -2, 2, 2);
  const Tensor bias = sample_values({4}, -2, 2, 3);
  expect_tensor(linear(x, weight, bias), {2, 1, 4},
                {1.3336904168678672, 4.513086859894585, 2.0593787034968933, -2.0301491523701105, 1.8778435395438606,
                 5.748007584185842, 3.5365803605360253, -3.2925150455670145});
  expect_tensor(linear(x, weight), {2, 1, 4},
                {1.8305943935358928, 2.896416031810619, 1.1953952782912276, -1.3201949567058708, 2.3747475162118863,
                 4.131336756101876, 2.6725969353303594, -2.582560849902775});
}

// A dimension of one row between repeated ones: its stride says nothing about where the others lie.
TEST(Linear, ReadsRepeatedRows) {
  const Tensor x = sample_values({4, 3}), weight = sample_values({5, 3}, -2, 2, 2);
  const std::vector<double> once = linear(x, weight).to_vector<double>();
  std::vector<double> twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  expect_tensor(linear(expand(x, {2, 1, 4, 3}), weight), {2, 1, 4, 5}, twice);
}

TEST(Linear, NamesWhatDoesNotFit) {
  expect_error(ErrorKind::kInvalidArgument, "x [2, 5] does not meet weight [4, 3]", [] {
    linear(Tensor::ones({2, 5}), Tensor::ones({4, 3}));
  });
  expect_error(ErrorKind::kInvalidArgument, "bias is float32 [3]", [] {
    linear(Tensor::ones({2, 3}), Tensor::ones({4, 3}), Tensor::ones({3}));
  });
  expect_error(ErrorKind::kInvalidArgument, "cast one to the dtype of the other", [] {
    linear(Tensor::ones({2, 3}, DType::bf16), Tensor::ones({4, 3}));
  });
}

}  // namespace
}  // namespace imago
