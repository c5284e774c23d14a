// B batch (of pictures or windows), S side of a window, N = S * S patches, D hidden, H heads, K head size.
#include "imago/models/sam/sam_vision.h"

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/vision/windows.h"
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

namespace imago::sam {

void SamVisionConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  if (patch_size < 1 || image_size < patch_size || window_size < 0)
    throw Error(ErrorKind::kInvalidFile, "config.json", "image_size, patch_size and window_size do not fit together");
}

MLP::MLP(int64_t size, int64_t inner, std::string_view hidden_act)
    : lin1(size, inner), lin2(inner, size), activation(nn::activation(hidden_act)) {}

VisionAttention::VisionAttention(const SamVisionConfig& c, int64_t length)
    : qkv(c.hidden_size, 3 * c.hidden_size, c.qkv_bias),
      proj(c.hidden_size, c.hidden_size),
      heads(c.num_attention_heads),
      side(length) {
  const int64_t size = c.hidden_size / heads;
  if (c.use_rel_pos) rel_pos_h = parameter({2 * side - 1, size}), rel_pos_w = parameter({2 * side - 1, size});
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
Tensor VisionAttention::operator()(const Tensor& x_BND, const nn::AttentionContext& context) const {
  const Tensors parts = chunk(qkv(x_BND), 3, -1);
  const double scale = 1 / std::sqrt(static_cast<double>(x_BND.size(2) / heads));
  Tensor q_BHNK = nn::split_heads(parts[0], heads), k_BHNK = nn::split_heads(parts[1], heads);
  const Tensor v_BHNK = nn::split_heads(parts[2], heads);
  if (!rel_pos_h) return proj(nn::merge_heads(nn::attend(q_BHNK, {k_BHNK, v_BHNK}, context, {.scale = scale})));
  q_BHNK = concat(
      {q_BHNK * scale, distance_scores(q_BHNK, rel_pos_h, side, true), distance_scores(q_BHNK, rel_pos_w, side, false)},
      -1);
  std::vector<int64_t> rows, columns;
  for (int64_t i = 0; i < side * side; ++i) rows.push_back(i / side), columns.push_back(i % side);
  const Tensor places_NK =
      cast(concat({one_hot(Tensor::from(rows), side), one_hot(Tensor::from(columns), side)}, -1), k_BHNK.dtype());
  k_BHNK = concat({k_BHNK, expand(places_NK, {k_BHNK.size(0), heads, side * side, 2 * side})}, -1);
  return proj(nn::merge_heads(nn::attend(q_BHNK, {k_BHNK, v_BHNK}, context, {.scale = 1.0})));
}

VisionLayer::VisionLayer(const SamVisionConfig& c, int64_t size)
    : layer_norm1(c.hidden_size, c.layer_norm_eps),
      layer_norm2(c.hidden_size, c.layer_norm_eps),
      attn(c, size > 0 ? size : c.grid()),
      mlp(c.hidden_size, c.mlp_dim.value_or(static_cast<int64_t>(static_cast<double>(c.hidden_size) * c.mlp_ratio)),
          c.hidden_act),
      window(size) {}

Tensor VisionLayer::operator()(const Tensor& x_BHWD, const nn::AttentionContext& context) const {
  const nn::Extent grid{x_BHWD.size(1), x_BHWD.size(2)};
  const int64_t size = window > 0 ? window : grid.height;
  const Tensor seen = attn(nn::to_windows(layer_norm1(x_BHWD), size), context);
  const Tensor h_BHWD = x_BHWD + nn::from_windows(seen, size, grid);
  return h_BHWD + mlp(layer_norm2(h_BHWD));
}

Neck::Neck(const SamVisionConfig& c)
    : conv1(c.hidden_size, c.output_channels, 1, {.bias = false}),
      conv2(c.output_channels, c.output_channels, 3, {.padding = 1, .bias = false}),
      layer_norm1(c.output_channels),
      layer_norm2(c.output_channels) {}

VisionEncoder::VisionEncoder(const SamVisionConfig& c) : neck(c), image{c.image_size, c.image_size} {
  patch_embed.projection = nn::Conv2d::patches(c.num_channels, c.hidden_size, c.patch_size, c.patch_size);
  if (c.use_abs_pos) pos_embed = parameter({1, c.grid(), c.grid(), c.hidden_size});
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    const auto& global = c.global_attn_indexes;
    layers.emplace_back(c, std::find(global.begin(), global.end(), i) == global.end() ? c.window_size : 0);
  }
}

BaseModelOutput VisionEncoder::operator()(const ImageInputs& in) const {
  const nn::Extent pixels = nn::check_pixels(in, patch_embed.projection.weight.size(1));
  if (!(pixels == image))
    throw Error(ErrorKind::kInvalidArgument, "forward", "the picture has not the size that config.json says",
                "prepare it with the checkpoint's image processor");
  nn::Recorder record(in);
  Tensors weights;
  nn::AttentionContext context = nn::image_attention(in, record);
  if (context.weights != nullptr) context.weights = &weights;
  Tensor x_BHWD = permute(patch_embed.projection(in.pixel_values), {0, 2, 3, 1});
  if (pos_embed) x_BHWD = x_BHWD + pos_embed;
  for (const VisionLayer& layer : layers) x_BHWD = layer(record(x_BHWD), context);
  BaseModelOutput out = record.finish(x_BHWD);
  for (const Tensor& each : weights) out.attentions.push_back(flatten(each, 0, 1));  // as the reference has them
  out.last_hidden_state = neck(permute(x_BHWD, {0, 3, 1, 2}));
  return out;
}

}  // namespace imago::sam
