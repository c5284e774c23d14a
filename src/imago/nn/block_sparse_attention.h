// Block sparse attention (Zaheer et al. 2020, "Big Bird: Transformers for Longer Sequences", section 2): tokens stand
// in blocks; the first and the last block attend to all, the others to those two, to their neighbours and to some that
// are drawn. Time and memory grow with the number of tokens and not with its square. B batch, H heads, T tokens, K head
// size, N blocks, R drawn blocks.
#pragma once

#include <cstdint>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago::nn {

struct BlockPlanOptions {
  int64_t heads = 0, blocks = 0, drawn = 0;  // H, N, R
  int64_t block_size = 0;
  int64_t positions = 0;  // the model's largest number of tokens, from which some plans are cut
  uint32_t seed = 0;
};

// Which blocks those between the first and the last attend to beside, [H, N - 2, R]: the very ones that numpy's
// generator gives the reference for N > 2 R + 5. Throws Error kInvalidArgument where a block has fewer than R to choose
// from.
std::vector<int64_t> draw_blocks(const BlockPlanOptions& o);

// q, k and v are [B, H, T, K], with T a whole number (5 at least) of blocks; `tokens` [B, T] is one at tokens and zero
// at padding; `drawn` is [H, N - 2, R]. What a query may not see is 10000 less likely, as in the reference, and padding
// gives zeros. Weights [B, H, T, T] are made where there is a place for them only.
Tensor block_sparse_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& tokens,
                              const Tensor& drawn, int64_t block_size, Tensors* weights = nullptr);

}  // namespace imago::nn
