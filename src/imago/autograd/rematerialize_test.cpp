#include "imago/autograd/rematerialize.h"

#include <gmock/gmock.h>

#include "imago/autograd/activation_file.h"
#include "imago/autograd/backward.h"
#include "imago/base/error.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

Tensor leaf(const Shape& shape, double start) {
  Tensor tensor = Tensor::arange(start, start + static_cast<double>(shape.product()), 1, DType::f32)
                      .alias(shape, shape.size() == 2 ? Shape{shape[1], 1} : Shape{1}, 0);
  tensor = sin(tensor);
  tensor.set_requires_grad(true);
  return tensor;
}

// Three layers, of which the second result is used again in the last, as an encoder's is.
std::vector<std::vector<float>> gradients(bool checkpoints, ActivationFile* file = nullptr) {
  const ActivationCheckpointing scope(checkpoints, file);
  const Tensor x = leaf({4, 6}, 0), w1 = leaf({6, 6}, 7), w2 = leaf({6, 6}, 3), w3 = leaf({6, 6}, 11);
  Tensor h = tanh(linear(exp(x), w1)) * x;
  checkpoint_boundary(h);
  const Tensor kept = softmax(linear(h, w2), -1);
  h = h + kept * tanh(kept);
  checkpoint_boundary(h);
  h = linear(square(h) + kept, w3);
  checkpoint_boundary(h);
  backward(mean(h * h));
  std::vector<std::vector<float>> found;
  for (const Tensor& tensor : {x, w1, w2, w3}) found.push_back(tensor.grad().to_vector<float>());
  return found;
}

TEST(Rematerialize, GivesTheSameGradientsToTheBit) { EXPECT_EQ(gradients(true), gradients(false)); }

TEST(ActivationFile, GivesTheSameGradientsToTheBit) {
  ActivationFile file(testing::TempDir());
  EXPECT_EQ(gradients(true, &file), gradients(false));
  EXPECT_EQ(gradients(true, &file), gradients(false));  // its places are used again
}

TEST(ActivationFile, KeepsWhatGoesIntoALayerOutOfMemory) {
  ActivationFile file(testing::TempDir());
  const ActivationCheckpointing scope(true, &file);
  const Tensor x = leaf({4}, 1);
  Tensor h = exp(x);
  checkpoint_boundary(h);
  const std::weak_ptr<Storage> input = h.storage();
  h = sin(h);
  EXPECT_FALSE(input.expired());
  checkpoint_boundary(h);
  EXPECT_TRUE(input.expired());
  backward(sum(h));
  EXPECT_TRUE(x.grad().defined());
}

TEST(ActivationFile, AFolderThatTakesNoFilesIsNamed) { EXPECT_THROW(ActivationFile("/nowhere/at/all"), Error); }

TEST(Rematerialize, FreesWhatLiesBetween) {
  const KeepValues keep;
  const Tensor x = leaf({4}, 1);
  std::weak_ptr<Storage> between;
  Tensor y;
  {
    const Tensor middle = exp(x);
    between = middle.storage();
    y = sin(middle);
  }
  EXPECT_FALSE(between.expired());
  free_activations({y});
  EXPECT_TRUE(between.expired());
  backward(sum(y));
  EXPECT_TRUE(x.grad().defined());
}

TEST(Rematerialize, StopsAtItsInputs) {
  const KeepValues keep;
  const Tensor x = leaf({4}, 1);
  const Tensor middle = exp(x);
  Tensor y = sin(cos(middle));
  const std::weak_ptr<Storage> input = middle.storage();
  free_activations({y}, {middle});
  backward(sum(y));
  const std::vector<float> freed = x.grad().to_vector<float>();
  x.set_grad({});
  backward(sum(sin(cos(exp(x)))));
  EXPECT_EQ(freed, x.grad().to_vector<float>());
}

TEST(Backward, SaysThatATapeWasLetGoOf) {
  const Tensor x = leaf({4}, 1);
  const Tensor y = sum(exp(x));
  backward(y);
  EXPECT_THROW(backward(y), std::exception);
}

}  // namespace
}  // namespace imago
