// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/matmul/matmul.h"

#include <gtest/gtest.h>

#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"
#include "imago/ops/permute/permute.h"

namespace imago {
namespace {

TEST(MatMul, FollowsTorchForEveryNumberOfDimensions) {
  const Tensor a = sample_values({2, 3, 4}), b = sample_values({4, 2}, -2, 2, 2), v = sample_values({4}, -2, 2, 3);
  expect_tensor(matmul(a, b), {2, 3, 2},
                {0.19424020802920783, -0.46921115860547513, 2.6622812381990433, 1.7729715894633153, 4.038745442141982,
                 -3.9883902458437186, 0.9558048828372404, -2.820257917655609, 2.3944871357288475, -0.8222213088375184,
                 0.618094236518584, 5.787229760914304});
  expect_tensor(matmul(a, v), {2, 3},
                {1.6475869037517583, -1.3585546883532449, 4.8632357411285305, 2.9171024434454584, -1.2989479040851741,
                 -1.573913586580035});
  expect_tensor(matmul(v, b), {2}, {2.9866039864542246, -2.587653200035204});
  expect_tensor(matmul(v, v), {}, {4.111040447377566});
  expect_tensor(matmul(a, transpose(a, 1, 2)), {2, 3, 3},
                {1.9858388297824285, -2.9024552343659256, 0.8666459792144316, -2.9024552343659256, 6.081468853106558,
                 0.003323427430891805, 0.8666459792144316, 0.003323427430891805, 6.709967868128559, 3.0396331302892965,
                 -0.3611654793126393, -2.4003200282635886, -0.3611654793126393, 5.136478655271425, -1.5584946853045611,
                 -2.4003200282635886, -1.5584946853045611, 7.756584273588507});
}

TEST(MatMul, NamesWhatDoesNotFit) {
  expect_error(ErrorKind::kInvalidArgument, "inner sizes differ: a [2, 3] @ b [4, 5]", [] {
    matmul(sample_values({2, 3}), sample_values({4, 5}));
  });
  expect_error(ErrorKind::kInvalidArgument, "dtypes differ", [] {
    matmul(sample_values({2, 3}), Tensor::ones({3, 5}));
  });
  expect_error(ErrorKind::kInvalidArgument, "not floating point", [] {
    matmul(Tensor::ones({2, 3}, DType::i64), Tensor::ones({3, 5}, DType::i64));
  });
  expect_error(ErrorKind::kInvalidArgument, "without dimensions", [] { matmul(Tensor::scalar(1), Tensor::ones({3})); });
}

}  // namespace
}  // namespace imago
