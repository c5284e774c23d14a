// What the tape keeps between forward and backward.
#include <gmock/gmock.h>

#include <array>

#include "imago/autograd/backward.h"
#include "imago/ops/gelu/gelu.h"
#include "imago/ops/layer_norm/layer_norm.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/op_node.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"

namespace imago {
namespace {

Tensor leaf(const Shape& shape, double start) {
  const Tensor flat = Tensor::arange(start, start + static_cast<double>(shape.product()), 1, DType::f32);
  Tensor tensor = sin(flat).alias(shape, contiguous_strides(shape), 0);
  tensor.set_requires_grad(true);
  return tensor;
}

using Watched = std::weak_ptr<Storage>;

TEST(KeptValues, SumsAndProductsWithNumbersKeepNothing) {
  const Tensor x = leaf({4, 6}, 0);
  Watched sum_of, product;
  Tensor loss;
  {
    const Tensor a = x + x;
    const Tensor b = a * 3.0;
    sum_of = a.storage();
    product = b.storage();
    loss = sum(reshape(b, {24}));
  }
  EXPECT_TRUE(sum_of.expired());
  EXPECT_TRUE(product.expired());
  backward(loss);
  EXPECT_THAT(x.grad().to_vector<float>(), testing::Each(6.0F));
}

TEST(KeptValues, WhatAFrozenLayerReadsIsNotKept) {
  const Tensor x = leaf({4, 6}, 0), trained = leaf({6, 6}, 3);
  const Tensor frozen = leaf({6, 6}, 7).detach();
  Watched into_frozen, into_trained;
  Tensor loss;
  {
    const Tensor a = linear(x, trained), b = linear(a, frozen), c = linear(b, trained);
    into_frozen = a.storage();
    into_trained = b.storage();
    loss = sum(c);
  }
  EXPECT_TRUE(into_frozen.expired());
  EXPECT_FALSE(into_trained.expired());
  backward(loss);
  EXPECT_TRUE(trained.grad().defined());
}

struct Parameters {
  Tensor x = leaf({4, 6}, 0), weight = leaf({6}, 5), bias = leaf({6}, 2), w1 = leaf({8, 6}, 7), w2 = leaf({6, 8}, 3);
};

// A norm that two layers read, an activation between linear layers, and the sum with what went in.
std::vector<std::vector<float>> gradients(bool keep) {
  const Parameters p;
  Watched normal, active;
  Tensor loss;
  {
    const KeepValues values(keep);
    const Tensor h = p.x * 1.5, n = layer_norm(h, {6}, p.weight, p.bias), a = gelu(linear(n, p.w1));
    normal = n.storage();
    active = a.storage();
    const Tensor y = linear(a, p.w2) + h;
    loss = sum(y * y) + sum(linear(n, p.w1));
  }
  EXPECT_EQ(normal.expired(), !keep);
  EXPECT_EQ(active.expired(), !keep);
  backward(loss);
  std::vector<std::vector<float>> found;
  for (const Tensor& tensor : {p.x, p.weight, p.bias, p.w1, p.w2}) found.push_back(tensor.grad().to_vector<float>());
  return found;
}

TEST(KeptValues, ActivationsAndNormsAreComputedAgainToTheBit) { EXPECT_EQ(gradients(false), gradients(true)); }

TEST(KeptValues, GradientsOfGradientsSeeThem) {
  const Tensor x = leaf({3, 4}, 0), w = leaf({4, 4}, 2);
  const Tensor loss = sum(linear(gelu(linear(x, w)), w));
  const Tensor first = grad(std::array{loss}, std::array{x}, {}, {.create_graph = true})[0];
  const Tensor second = grad(std::array{sum(first * first)}, std::array{w})[0];
  const KeepValues keep;
  const Tensor kept_loss = sum(linear(gelu(linear(x, w)), w));
  const Tensor kept_first = grad(std::array{kept_loss}, std::array{x}, {}, {.create_graph = true})[0];
  const Tensor kept_second = grad(std::array{sum(kept_first * kept_first)}, std::array{w})[0];
  EXPECT_EQ(second.to_vector<float>(), kept_second.to_vector<float>());
}

TEST(KeptValues, ATapeThatWasLetGoOfIsNotComputedAgain) {
  const Tensor x = leaf({3, 4}, 0), w = leaf({4, 4}, 2);
  const Tensor a = gelu(linear(x, w));
  const Tensor one = sum(linear(a, w)), other = sum(linear(a, w) * 2.0);
  backward(one);
  EXPECT_THROW(backward(other), std::exception);
}

TEST(KeptValues, EveryLeafHasAGradientOfItsOwn) {
  const Tensor a = leaf({5}, 0), b = leaf({5}, 5);
  backward(sum(a + b));
  EXPECT_NE(a.grad().storage(), b.grad().storage());
  const Tensor given = Tensor::ones({5});
  const Tensor c = leaf({5}, 1), y = c * 1.0;
  backward(y, given);
  EXPECT_NE(c.grad().storage(), given.storage());
}

}  // namespace
}  // namespace imago
