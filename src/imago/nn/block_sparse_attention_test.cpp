#include "imago/nn/block_sparse_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/torch_generator.h"
#include "imago/tensor/grad_meta.h"

namespace imago::nn {
namespace {

// tests/golden/block_plans.json is written by tools/golden/block_plans.py.
TEST(BlockPlan, IsTheReferences) {
  const Json plans = read_json(IMAGO_SOURCE_DIR "/tests/golden/block_plans.json");
  ASSERT_EQ(plans.size(), 7U);
  for (const Json& plan : plans) {
    const auto number = [&](const char* name) { return plan.at(name).get<int64_t>(); };
    const std::vector<int64_t> drawn = draw_blocks({.heads = number("heads"),
                                                    .blocks = number("blocks"),
                                                    .drawn = number("drawn"),
                                                    .block_size = number("block_size"),
                                                    .positions = number("positions"),
                                                    .seed = static_cast<uint32_t>(number("seed"))});
    EXPECT_EQ(drawn, plan.at("chosen").get<std::vector<int64_t>>()) << dump_json(plan);
  }
}

TEST(BlockPlan, SaysWhereThereAreTooFewBlocks) {
  EXPECT_THROW(draw_blocks({.heads = 1, .blocks = 16, .drawn = 20, .block_size = 64, .positions = 1024, .seed = 0}),
               Error);
}

// What attention with this mask to all tokens gives, in double.
std::vector<double> dense(const Tensor& q, const Tensor& k, const Tensor& v, const std::vector<std::set<int64_t>>& seen,
                          int64_t size) {
  const int64_t tokens = q.size(2), width = q.size(3);
  const auto Q = q.to_vector<double>(), K = k.to_vector<double>(), V = v.to_vector<double>();
  std::vector<double> out(Q.size());
  for (int64_t i = 0; i < tokens; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < tokens; ++j) {
      if (!seen[static_cast<size_t>(i / size)].contains(j / size)) continue;
      double score = 0;
      for (int64_t d = 0; d < width; ++d) score += Q[i * width + d] * K[j * width + d];
      const double weight = std::exp(score / std::sqrt(static_cast<double>(width)));
      sum += weight;
      for (int64_t d = 0; d < width; ++d) out[i * width + d] += weight * V[j * width + d];
    }
    for (int64_t d = 0; d < width; ++d) out[i * width + d] /= sum;
  }
  return out;
}

// With one drawn block, different from all others, it is attention to all under a mask of blocks.
class BlockSparseAttention : public testing::TestWithParam<int64_t> {};

TEST_P(BlockSparseAttention, IsAttentionUnderItsMask) {
  const NoGrad no_grad;
  const int64_t blocks = GetParam(), size = 3, width = 4;
  TorchGenerator generator(3);
  const Shape shape = {1, 1, blocks * size, width};
  const Tensor q = generator.normal(shape, 1), k = generator.normal(shape, 1), v = generator.normal(shape, 1);
  const std::vector<int64_t> drawn =
      draw_blocks({.heads = 1, .blocks = blocks, .drawn = 1, .block_size = size, .positions = 256, .seed = 1});
  std::vector<std::set<int64_t>> seen;
  for (int64_t block = 0; block < blocks; ++block) {
    std::set<int64_t> of_block = {0, blocks - 1};
    for (int64_t other = 0; other < blocks; ++other) {
      if (block == 0 || block == blocks - 1 || std::abs(other - block) <= 1) of_block.insert(other);
    }
    if (block > 0 && block < blocks - 1) of_block.insert(drawn[static_cast<size_t>(block - 1)]);
    seen.push_back(of_block);
  }
  Tensors weights;
  const Tensor out = block_sparse_attention(q, k, v, Tensor::ones({1, blocks * size}),
                                            Tensor::from(drawn, {1, blocks - 2, 1}), size, &weights);
  const std::vector<double> ours = out.to_vector<double>(), wanted = dense(q, k, v, seen, size);
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(ours[i], wanted[i], 1e-5) << i;
  ASSERT_EQ(weights.size(), 1U);
  EXPECT_TRUE((weights[0].shape() == Shape{1, 1, blocks * size, blocks * size})) << weights[0].describe();
}

// Many blocks are computed in several pieces.
INSTANTIATE_TEST_SUITE_P(Blocks, BlockSparseAttention, testing::Values(8, 40));

}  // namespace
}  // namespace imago::nn
