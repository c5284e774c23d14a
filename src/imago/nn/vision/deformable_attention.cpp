#include "imago/nn/vision/deformable_attention.h"

#include "imago/nn/vision/bilinear_points.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"

namespace imago::nn {
namespace {

// values [B, pixels, D] of one map, read at places [B, H, N, P, 2] (x, y from 0 to 1), with weights [B, H, N, P].
Tensor read_map(const Tensor& values, const Tensor& places, const Tensor& weights, Extent map) {
  const int64_t batch = places.size(0), heads = places.size(1), queries = places.size(2);
  const int64_t pixels = map.height * map.width, size = values.size(2) / heads;
  std::vector<int64_t> first;  // row of each head's map
  for (int64_t i = 0; i < batch * heads; ++i) first.push_back(i * pixels);
  const Tensor offsets = Tensor::from(first, {batch, heads, 1, 1});
  Tensors chosen, shares;
  for (const Neighbours& corner : neighbours(places, map)) {
    chosen.push_back(corner.pixels + offsets);
    shares.push_back(corner.shares * weights);
  }
  const Tensor rows = reshape(transpose(reshape(values, {batch, pixels, heads, size}), 1, 2), {-1, size});
  const Tensor read = index_select(rows, 0, reshape(concat(chosen, -1), {-1}));
  const Tensor share = unsqueeze(concat(shares, -1), 3);  // [B, H, N, 1, 4 P]
  return squeeze(matmul(share, reshape(read, {batch, heads, queries, -1, size})), 3);
}

}  // namespace

DeformableAttention::DeformableAttention(int64_t hidden_size, int64_t head_count, int64_t level_count,
                                         int64_t point_count)
    : sampling_offsets(hidden_size, head_count * level_count * point_count * 2),
      attention_weights(hidden_size, head_count * level_count * point_count),
      value_proj(hidden_size, hidden_size),
      output_proj(hidden_size, hidden_size),
      heads(head_count),
      levels(level_count),
      points(point_count) {}

Tensor DeformableAttention::operator()(const Tensor& queries_BND, const Tensor& values_BND,
                                       const std::vector<Extent>& maps) const {
  const int64_t batch = queries_BND.size(0), queries = queries_BND.size(1);
  std::vector<double> own;  // the middle of each pixel
  for (const Extent& map : maps) {
    for (int64_t i = 0; i < map.height * map.width; ++i) {
      own.push_back((static_cast<double>(i % map.width) + 0.5) / static_cast<double>(map.width));
      own.push_back((static_cast<double>(i / map.width) + 0.5) / static_cast<double>(map.height));
    }
  }
  const Tensor own_places = cast(Tensor::from(own, {1, 1, queries, 1, 2}), queries_BND.dtype());
  const Tensor values = value_proj(values_BND);
  const Tensor offsets =
      permute(reshape(sampling_offsets(queries_BND), {batch, queries, heads, levels, points, 2}), {3, 0, 2, 1, 4, 5});
  const Tensor scores = reshape(attention_weights(queries_BND), {batch, queries, heads, levels * points});
  const Tensor weights =
      permute(reshape(softmax(scores, -1), {batch, queries, heads, levels, points}), {3, 0, 2, 1, 4});
  Tensor sum;
  int64_t begin = 0;
  for (int64_t level = 0; level < levels; ++level) {
    const Extent map = maps.at(level);
    const Tensor extent = cast(Tensor::from(std::vector<int64_t>{map.width, map.height}), queries_BND.dtype());
    const Tensor places = own_places + select(offsets, 0, level) / extent;
    const Tensor part = narrow(values, 1, begin, map.height * map.width);
    const Tensor read = read_map(part, places, select(weights, 0, level), map);
    sum = sum ? sum + read : read;
    begin += map.height * map.width;
  }
  return output_proj(flatten(transpose(sum, 1, 2), 2, 3));
}

}  // namespace imago::nn
