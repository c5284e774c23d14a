// B pictures, N patches with the class token, D hidden.
#include "imago/models/blip_2_vision_model/blip_2_vision_model.h"

#include "imago/nn/dropout.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"

namespace imago::blip_2_vision_model {

Blip2VisionConfig::Blip2VisionConfig() {
  hidden_size = 1408, intermediate_size = 6144, num_hidden_layers = 39, num_attention_heads = 16;
  hidden_act = "gelu", layer_norm_eps = 1e-6;
}

VisionEmbeddings::VisionEmbeddings(const Blip2VisionConfig& c)
    : class_embedding(parameter({1, 1, c.hidden_size})),
      image(nn::extent(c.image_size, "image_size")),
      patch(nn::extent(c.patch_size, "patch_size")) {
  patch_embedding = nn::Conv2d::patches(3, c.hidden_size, patch.height, patch.width);
  const nn::Extent grid = nn::patch_grid(image, patch);
  position_embedding = parameter({1, grid.height * grid.width + 1, c.hidden_size});
}

Tensor VisionEmbeddings::operator()(const ImageInputs& in) const {
  const nn::Extent pixels = nn::check_pixels(in, 3);
  if (!in.interpolate_pos_encoding) nn::require_image_size(pixels, image);
  const Tensor x_BND = nn::prepend(class_embedding, nn::to_tokens(patch_embedding(in.pixel_values)));
  if (!in.interpolate_pos_encoding || (x_BND.size(1) == position_embedding.size(1) && pixels.height == pixels.width))
    return x_BND + position_embedding;
  return x_BND + nn::interpolate_positions(position_embedding, 1, nn::patch_grid(pixels, patch));
}

VisionAttention::VisionAttention(const Blip2VisionConfig& c)
    : qkv(c.hidden_size, 3 * c.hidden_size, c.qkv_bias),
      projection(c.hidden_size, c.hidden_size),
      heads(c.num_attention_heads) {}

Tensor VisionAttention::operator()(const Tensor& x_BND, const nn::AttentionContext& context) const {
  const Tensors parts = split(qkv(x_BND), x_BND.size(2), 2);
  const KeysValues all{nn::split_heads(parts[1], heads), nn::split_heads(parts[2], heads)};
  return projection(nn::merge_heads(nn::attend(nn::split_heads(parts[0], heads), all, context)));
}

VisionLayer::VisionLayer(const Blip2VisionConfig& c)
    : self_attn(c),
      layer_norm1(c.hidden_size, c.layer_norm_eps),
      layer_norm2(c.hidden_size, c.layer_norm_eps),
      mlp(c.hidden_size, c.intermediate_size, c.hidden_act) {}

Tensor VisionLayer::operator()(const Tensor& x_BND, const nn::AttentionContext& context) const {
  const Tensor h_BND = x_BND + self_attn(layer_norm1(x_BND), context);
  return h_BND + mlp(layer_norm2(h_BND));
}

Blip2VisionModel::Blip2VisionModel(const Blip2VisionConfig& c)
    : Backbone(c), embeddings(c), post_layernorm(c.hidden_size, c.layer_norm_eps) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) encoder.layers.emplace_back(c);
}

BaseModelOutput Blip2VisionModel::forward(const ImageInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BND = embeddings(in);
  const nn::AttentionContext context = nn::image_attention(in, record);
  const nn::AttentionDropout attention_dropout(config().attention_dropout);
  for (const VisionLayer& layer : encoder.layers) x_BND = layer(record(x_BND), context);
  BaseModelOutput out = record.finish(x_BND);
  out.last_hidden_state = post_layernorm(out.last_hidden_state);
  out.pooler_output = post_layernorm(select(out.last_hidden_state, 1, 0));  // twice, as it was trained
  return out;
}

}  // namespace imago::blip_2_vision_model

REGISTER_MODELS(blip_2_vision_model, Blip2VisionModel)
