// B batch, H height and W width of the grid, D hidden.
#include "imago/models/sam/sam_vision.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::sam {

void SamVisionConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  if (patch_size < 1 || image_size < patch_size || window_size < 0)
    throw Error(ErrorKind::kInvalidFile, "config.json", "image_size, patch_size and window_size do not fit together");
}

nn::SquareWindowOptions SamVisionConfig::windows() const {
  const int64_t inner = mlp_dim.value_or(static_cast<int64_t>(static_cast<double>(hidden_size) * mlp_ratio));
  return {hidden_size, num_attention_heads, inner, grid(), qkv_bias, use_rel_pos, hidden_act, layer_norm_eps};
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
    layers.emplace_back(c.windows(), std::find(global.begin(), global.end(), i) == global.end() ? c.window_size : 0);
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
  for (const nn::SquareWindowLayer& layer : layers) x_BHWD = layer(record(x_BHWD), context);
  BaseModelOutput out = record.finish(x_BHWD);
  for (const Tensor& each : weights) out.attentions.push_back(flatten(each, 0, 1));  // as the reference has them
  out.last_hidden_state = neck(permute(x_BHWD, {0, 3, 1, 2}));
  return out;
}

}  // namespace imago::sam
