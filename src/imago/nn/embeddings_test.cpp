#include "imago/nn/embeddings.h"

#include <gtest/gtest.h>

#include <vector>

#include "imago/base/error.h"

namespace imago::nn {
namespace {

TextInputs padded_rows() {
  TextInputs in;
  const std::vector<int64_t> ids = {5, 6, 3, 3, 3, 3, 7, 8};
  in.input_ids = Tensor::from(std::span<const int64_t>(ids), {2, 4});
  return in;
}

// What RoBERTa's code gives for padding on either side, with padding 3.
TEST(EmbeddingsTest, PositionsBehindPaddingAreTheReferences) {
  const Tensor x = Tensor::zeros({2, 4, 1});
  EXPECT_EQ(position_ids_behind_padding(padded_rows(), x, 3).to_vector<int64_t>(),
            (std::vector<int64_t>{4, 5, 3, 3, 3, 3, 4, 5}));
  TextInputs embedded;
  embedded.inputs_embeds = x;
  EXPECT_EQ(position_ids_behind_padding(embedded, x, 3).to_vector<int64_t>(), (std::vector<int64_t>{4, 5, 6, 7}));
  embedded.position_ids = Tensor::zeros({1, 4}, DType::i64);
  EXPECT_EQ(position_ids_behind_padding(embedded, x, 3).to_vector<int64_t>(), (std::vector<int64_t>{0, 0, 0, 0}));
}

TEST(EmbeddingsTest, PositionsBeyondTheTableAreRefused) {
  Embedding table;
  table.weight = Tensor::zeros({4, 2});
  EXPECT_THROW(position_embeddings(Tensor::full({1, 1}, 4, DType::i64), table, "max_position_embeddings"), Error);
}

}  // namespace
}  // namespace imago::nn
