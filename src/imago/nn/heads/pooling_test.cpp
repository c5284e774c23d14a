#include "imago/nn/heads/pooling.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"

namespace imago::nn {
namespace {

// Three rows of four tokens, of one channel each: row * 10 + token.
BaseModelOutput output() {
  BaseModelOutput out;
  out.last_hidden_state = Tensor::from(std::vector<float>{0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23}, {3, 4, 1});
  return out;
}

TextInputs inputs(const std::vector<int64_t>& ids) {
  TextInputs in;
  in.input_ids = Tensor::from(ids, {3, 4});
  return in;
}

std::vector<float> pooled(Pooling pooling, const TextInputs& in, const Config& config) {
  return pool(pooling, output(), in, config).to_vector<float>();
}

TEST(PoolingTest, TheLastTokenIsTheLastThatIsNotPaddingOnEitherSide) {
  Config config;
  config.pad_token_id = 0;
  const TextInputs in = inputs({5, 6, 7, 8, 5, 6, 0, 0, 0, 0, 5, 6});
  EXPECT_THAT(pooled(Pooling::kLastToken, in, config), testing::ElementsAre(3, 11, 23));
  EXPECT_THAT(pooled(Pooling::kFirstToken, in, config), testing::ElementsAre(0, 10, 20));
  // A row of nothing but padding is read at its first token, as the reference reads it.
  EXPECT_THAT(pooled(Pooling::kLastToken, inputs({0, 0, 0, 0, 5, 0, 0, 0, 5, 0, 6, 0}), config),
              testing::ElementsAre(0, 10, 22));
}

TEST(PoolingTest, SeveralRowsWithoutAPaddingTokenAreRefused) {
  EXPECT_THROW(pooled(Pooling::kLastToken, inputs({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}), Config()), Error);
}

TEST(PoolingTest, TheEndOfSequenceIsTheLastOfThem) {
  Config config;
  config.eos_token_id = {1, 2};
  EXPECT_THAT(pooled(Pooling::kEndOfSequence, inputs({1, 5, 2, 0, 5, 1, 6, 1, 2, 1, 0, 0}), config),
              testing::ElementsAre(2, 13, 21));
  EXPECT_THROW(pooled(Pooling::kEndOfSequence, inputs({1, 5, 2, 0, 5, 1, 6, 6, 2, 1, 0, 0}), config), Error);
  EXPECT_THROW(pooled(Pooling::kEndOfSequence, inputs({5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}), config), Error);
}

}  // namespace
}  // namespace imago::nn
