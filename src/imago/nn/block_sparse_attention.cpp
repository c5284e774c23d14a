#include "imago/nn/block_sparse_attention.h"

#include <algorithm>
#include <cmath>

#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scatter/scatter.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"

namespace imago::nn {
namespace {

constexpr double kPenalty = -10000.0;
constexpr int64_t kTogether = 16;  // blocks at once: what they gather stays in the processor's cache

struct Heads {
  Tensor q, k, v;    // [B, H, T, K]
  Tensor tokens_BT;  // as numbers
  int64_t size;      // of a block
  double scale;
  Tensors* weights;  // of each group of blocks, [B, H, tokens, T]
};

// Queries of the first or the last block, which see every key.
Tensor attend_to_all(const Heads& x, int64_t block) {
  const int64_t batch = x.q.size(0), tokens = x.q.size(2);
  const Tensor q = narrow(x.q, 2, block * x.size, x.size);
  const Tensor hidden = reshape((x.tokens_BT * -1.0 + 1.0) * kPenalty, {batch, 1, 1, tokens});
  const Tensor weights = softmax(matmul(q, transpose(x.k, 2, 3)) * x.scale + hidden, -1);
  if (x.weights != nullptr) x.weights->push_back(weights);
  return matmul(weights, x.v);
}

// Queries of `count` blocks from `first` on, each of which sees the blocks [H, count, L]. The first `open` of those
// hide by their own padding only, the others by that of the query too.
Tensor attend_to_some(const Heads& x, int64_t first, int64_t count, const std::vector<int64_t>& blocks, int64_t open) {
  const int64_t batch = x.q.size(0), heads = x.q.size(1), tokens = x.q.size(2), head = x.q.size(3);
  const int64_t seen = static_cast<int64_t>(blocks.size()) / (heads * count) * x.size;
  std::vector<int64_t> places;
  for (const int64_t block : blocks) {
    for (int64_t i = 0; i < x.size; ++i) places.push_back(block * x.size + i);
  }
  const Tensor places_HP = Tensor::from(places, {heads, count * seen});
  const Tensor rows = expand(reshape(places_HP, {1, heads, count * seen, 1}), {batch, heads, count * seen, head});
  const auto gathered = [&](const Tensor& y) { return reshape(gather(y, 2, rows), {batch, heads, count, seen, head}); };
  const Tensor q = reshape(narrow(x.q, 2, first * x.size, count * x.size), {batch, heads, count, x.size, head});
  Tensor scores = matmul(q, transpose(gathered(x.k), 3, 4)) * x.scale;

  const Tensor of_keys = gather(expand(unsqueeze(x.tokens_BT, 1), {batch, heads, tokens}), 2,
                                expand(unsqueeze(places_HP, 0), {batch, heads, count * seen}));
  const Tensor keys = reshape(of_keys, {batch, heads, count, 1, seen});
  const Tensor queries = reshape(narrow(x.tokens_BT, 1, first * x.size, count * x.size), {batch, 1, count, x.size, 1});
  const Shape mask = {batch, heads, count, x.size, open * x.size};
  const Tensor visible = concat(
      {expand(narrow(keys, 4, 0, open * x.size), mask), narrow(keys, 4, open * x.size, seen - open * x.size) * queries},
      4);
  const Tensor weights = softmax(scores + (visible * -1.0 + 1.0) * kPenalty, -1);
  if (x.weights != nullptr) {
    const Tensor columns = expand(reshape(places_HP, {1, heads, count, 1, seen}), weights.shape());
    const Tensor none = Tensor::zeros({batch, heads, count, x.size, tokens}, weights.dtype());
    x.weights->push_back(reshape(scatter(none, 4, columns, weights), {batch, heads, count * x.size, tokens}));
  }
  return reshape(matmul(weights, gathered(x.v)), {batch, heads, count * x.size, head});
}

}  // namespace

Tensor block_sparse_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& tokens,
                              const Tensor& drawn, int64_t block_size, Tensors* weights) {
  const int64_t blocks = q.size(2) / block_size, heads = q.size(1), count = drawn.size(2);
  Tensors of_groups;
  const Heads x{q,
                k,
                v,
                cast(tokens, q.dtype()),
                block_size,
                1 / std::sqrt(static_cast<double>(q.size(3))),
                weights != nullptr ? &of_groups : nullptr};
  const std::vector<int64_t> all = drawn.to_vector<int64_t>();
  // The blocks that each of `number` from `first` on sees: those that are named, then those drawn.
  const auto seen_by = [&](int64_t first, int64_t number, const auto& named) {
    std::vector<int64_t> seen;
    for (int64_t head = 0; head < heads; ++head) {
      for (int64_t block = first; block < first + number; ++block) {
        for (const int64_t each : named(block)) seen.push_back(each);
        const int64_t row = (head * (blocks - 2) + block - 1) * count;
        seen.insert(seen.end(), all.begin() + row, all.begin() + row + count);
      }
    }
    return seen;
  };
  const int64_t last = blocks - 1;
  const auto second = seen_by(1, 1, [&](int64_t) { return std::vector<int64_t>{0, 1, 2, last}; });
  const auto before_last = seen_by(last - 1, 1, [&](int64_t) {
    return std::vector<int64_t>{0, last - 2, last - 1, last};
  });
  Tensors outputs = {attend_to_all(x, 0), attend_to_some(x, 1, 1, second, 4)};
  for (int64_t first = 2; first < last - 1; first += kTogether) {
    const int64_t number = std::min(kTogether, last - 1 - first);
    const auto middle = seen_by(first, number, [&](int64_t i) {
      return std::vector<int64_t>{0, last, i - 1, i, i + 1};
    });
    outputs.push_back(attend_to_some(x, first, number, middle, 2));
  }
  outputs.push_back(attend_to_some(x, last - 1, 1, before_last, 4));
  outputs.push_back(attend_to_all(x, last));
  if (weights != nullptr) weights->push_back(concat(of_groups, 2));
  return concat(outputs, 2) * reshape(x.tokens_BT, {q.size(0), 1, q.size(2), 1});
}

}  // namespace imago::nn
