// B batch (of pictures or windows), S side of a window, N = S * S patches, D hidden, H heads, K head size.
#include "imago/nn/vision/square_windows.h"

#include <cmath>

#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/one_hot/one_hot.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

ActivatedMLP::ActivatedMLP(int64_t size, int64_t inner, std::string_view hidden_act)
    : lin1(size, inner), lin2(inner, size), activation(nn::activation(hidden_act)) {}

SquareAttention::SquareAttention(const SquareWindowOptions& o, int64_t length)
    : qkv(o.hidden_size, 3 * o.hidden_size, o.qkv_bias),
      proj(o.hidden_size, o.hidden_size),
      heads(o.heads),
      side(length) {
  const int64_t size = o.hidden_size / heads;
  if (o.distances) rel_pos_h = parameter({2 * side - 1, size}), rel_pos_w = parameter({2 * side - 1, size});
}

namespace {

// Of each query its product with the vector of every distance down, or to the right: [B, H, N, S].
Tensor distance_scores(const Tensor& q_BHNK, const Tensor& table, int64_t side, bool down) {
  const int64_t batch = q_BHNK.size(0), heads = q_BHNK.size(1), size = q_BHNK.size(3);
  std::vector<int64_t> rows;
  for (int64_t q = 0; q < side; ++q) {
    for (int64_t k = 0; k < side; ++k) rows.push_back(q - k + side - 1);
  }
  const Tensor vectors_SKS = transpose(reshape(index_select(table, 0, Tensor::from(rows)), {side, side, size}), 1, 2);
  Tensor grid = reshape(q_BHNK, {batch * heads, side, side, size});
  if (!down) grid = transpose(grid, 1, 2);
  Tensor scores = matmul(grid, vectors_SKS);
  if (!down) scores = transpose(scores, 1, 2);
  return reshape(scores, {batch, heads, side * side, side});
}

}  // namespace

// The scores of distances are products too, of what queries have behind their vectors and keys have as ones in their
// row and their column: so no matrix of all pairs is made for them.
Tensor SquareAttention::operator()(const Tensor& x_BND, const AttentionContext& context) const {
  const Tensors parts = chunk(qkv(x_BND), 3, -1);
  const double scale = 1 / std::sqrt(static_cast<double>(x_BND.size(2) / heads));
  Tensor q_BHNK = split_heads(parts[0], heads), k_BHNK = split_heads(parts[1], heads);
  const Tensor v_BHNK = split_heads(parts[2], heads);
  if (!rel_pos_h) return proj(merge_heads(attend(q_BHNK, {k_BHNK, v_BHNK}, context, {.scale = scale})));
  q_BHNK = concat(
      {q_BHNK * scale, distance_scores(q_BHNK, rel_pos_h, side, true), distance_scores(q_BHNK, rel_pos_w, side, false)},
      -1);
  std::vector<int64_t> rows, columns;
  for (int64_t i = 0; i < side * side; ++i) rows.push_back(i / side), columns.push_back(i % side);
  const Tensor places_NK =
      cast(concat({one_hot(Tensor::from(rows), side), one_hot(Tensor::from(columns), side)}, -1), k_BHNK.dtype());
  k_BHNK = concat({k_BHNK, expand(places_NK, {k_BHNK.size(0), heads, side * side, 2 * side})}, -1);
  return proj(merge_heads(attend(q_BHNK, {k_BHNK, v_BHNK}, context, {.scale = 1.0})));
}

SquareWindowLayer::SquareWindowLayer(const SquareWindowOptions& o, int64_t size)
    : layer_norm1(o.hidden_size, o.layer_norm_eps),
      layer_norm2(o.hidden_size, o.layer_norm_eps),
      attn(o, size > 0 ? size : o.grid),
      mlp(o.hidden_size, o.inner_size, o.hidden_act),
      window(size) {}

Tensor SquareWindowLayer::operator()(const Tensor& x_BHWD, const AttentionContext& context) const {
  const Extent grid{x_BHWD.size(1), x_BHWD.size(2)};
  const int64_t size = window > 0 ? window : grid.height;
  const Tensor seen = attn(to_windows(layer_norm1(x_BHWD), size), context);
  const Tensor h_BHWD = x_BHWD + from_windows(seen, size, grid);
  return h_BHWD + mlp(layer_norm2(h_BHWD));
}

}  // namespace imago::nn
