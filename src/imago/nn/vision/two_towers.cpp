#include "imago/nn/vision/two_towers.h"

#include "imago/nn/dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::nn {

void TowerConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
}

Tower::Tower(const TowerConfig& c) : attention_dropout(c.attention_dropout) {
  const PreNormOptions options{.hidden_size = c.hidden_size,
                               .heads = c.num_attention_heads,
                               .intermediate_size = c.intermediate_size,
                               .activation = c.hidden_act,
                               .eps = c.layer_norm_eps};
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(options);
}

BaseModelOutput Tower::operator()(const Tensor& x_BTD, const AttentionContext& context, Recorder& record) const {
  const AttentionDropout dropping(attention_dropout);
  return run_layers(x_BTD, layers, context, record);
}

TextTowerEmbeddings::TextTowerEmbeddings(const TextTowerConfig& c)
    : token_embedding(c.vocab_size, c.hidden_size), position_embedding(c.max_position_embeddings, c.hidden_size) {}

Tensor TextTowerEmbeddings::operator()(const TextInputs& in) const {
  const Tensor words_BTD = embed(in, token_embedding);
  return words_BTD + position_embeddings(in, words_BTD, position_embedding, "max_position_embeddings");
}

ImageTowerEmbeddings::ImageTowerEmbeddings(const ImageTowerConfig& c, bool with_class_token)
    : patch_embedding(
          Conv2d::patches(c.num_channels, c.hidden_size, c.patch().height, c.patch().width, !with_class_token)),
      image(c.image()),
      patch(c.patch()) {
  const Extent grid = patch_grid(image, patch);
  if (with_class_token) class_embedding = parameter({c.hidden_size});
  position_embedding = Embedding(grid.height * grid.width + (with_class_token ? 1 : 0), c.hidden_size);
}

Tensor ImageTowerEmbeddings::operator()(const ImageInputs& in) const {
  const Extent pixels = check_pixels(in, patch_embedding.weight.size(1));
  if (!in.interpolate_pos_encoding) require_image_size(pixels, image);
  Tensor x_BTD = to_tokens(patch_embedding(in.pixel_values));
  if (class_embedding) x_BTD = prepend(reshape(class_embedding, {1, 1, -1}), x_BTD);
  const Tensor positions = unsqueeze(position_embedding.weight, 0);
  if (!in.interpolate_pos_encoding) return x_BTD + positions;
  return x_BTD + positions_of(pixels, patch, positions, class_embedding ? 1 : 0);
}

WeightMap without_other_tower(std::string prefix) {
  return {.base_model_prefix = std::move(prefix),
          .ignored = {"*position_ids", "text_model.*", "vision_model.*", "text_projection.*", "visual_projection.*",
                      "logit_scale", "logit_bias"}};
}

}  // namespace imago::nn
