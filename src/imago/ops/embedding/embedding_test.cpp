// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/embedding/embedding.h"

#include <gtest/gtest.h>

#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

TEST(Embedding, ReadsRows) {
  const Tensor indices = Tensor::from<int64_t>({3, 0, 3}, {1, 3}), weight = sample_values({4, 3});
  expect_tensor(embedding(indices, weight), {1, 3, 3},
                {1.7256711501544917, 1.8349796704277543, -0.33606018672798355, -0.4915822845200104, 0.9445597923404998,
                 -0.6672685884217913, 1.7256711501544917, 1.8349796704277543, -0.33606018672798355});
}

TEST(Embedding, PaddingHasNoGradient) {
  const Tensor indices = Tensor::from<int64_t>({3, 0, 3}, {1, 3}), grad = sample_values({1, 3, 3}, -2, 2, 2);
  expect_tensor(apply(op::EmbeddingGrad{4, 0}, grad, indices), {4, 3},
                {0, 0, 0, 0, 0, 0, 0, 0, 0, -2.7239892441131315, 0.3729489982717866, -2.000172360868274});
}

TEST(Embedding, ChecksIndicesBeforeReading) {
  expect_error(ErrorKind::kInvalidArgument, "index 4 is not one of the 4 rows", [] {
    embedding(Tensor::from<int64_t>({0, 4}), Tensor::ones({4, 3}));
  });
  expect_error(ErrorKind::kInvalidArgument, "index -1", [] {
    embedding(Tensor::from<int64_t>({-1}), Tensor::ones({4, 3}));
  });
  expect_error(ErrorKind::kInvalidArgument, "index 0 is not one of the 0 rows", [] {
    embedding(Tensor::from<int64_t>({0}), Tensor::ones({0, 3}));
  });
  expect_error(ErrorKind::kInvalidArgument, "not int64 or int32", [] {
    embedding(Tensor::ones({2}), Tensor::ones({4, 3}));
  });
  expect_error(ErrorKind::kInvalidArgument, "padding_idx 4", [] {
    embedding(Tensor::from<int64_t>({0}), Tensor::ones({4, 3}), 4);
  });
}

}  // namespace
}  // namespace imago
