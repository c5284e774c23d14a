// B batch, T tokens or patches with the class token, D hidden.
#include "imago/models/clip/clip.h"

#include "imago/nn/embeddings.h"
#include "imago/nn/heads/pooling.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/nn/sub_config.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::clip {

void HalfConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
}

CLIPTextConfig::CLIPTextConfig() {
  hidden_size = 512, intermediate_size = 2048, num_attention_heads = 8;
  pad_token_id = 1, bos_token_id = 49406, eos_token_id = {49407};
}

CLIPVisionConfig::CLIPVisionConfig() { hidden_size = 768, intermediate_size = 3072, num_attention_heads = 12; }

CLIPTextConfig CLIPConfig::text() const {
  CLIPTextConfig config;
  nn::read_sub_config(text_config, "text_config", config);
  return config;
}

CLIPVisionConfig CLIPConfig::vision() const {
  CLIPVisionConfig config;
  nn::read_sub_config(vision_config, "vision_config", config);
  return config;
}

void CLIPConfig::validate() const {
  text();
  vision();
}

MLP::MLP(const HalfConfig& c)
    : fc1(c.hidden_size, c.intermediate_size),
      fc2(c.intermediate_size, c.hidden_size),
      activation(nn::activation(c.hidden_act)) {}

EncoderLayer::EncoderLayer(const HalfConfig& c)
    : self_attn({.hidden_size = c.hidden_size, .heads = c.num_attention_heads}),
      layer_norm1(c.hidden_size, c.layer_norm_eps),
      layer_norm2(c.hidden_size, c.layer_norm_eps),
      mlp(c) {}

Tensor EncoderLayer::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor h_BTD = x_BTD + self_attn(layer_norm1(x_BTD), context);
  return h_BTD + mlp(layer_norm2(h_BTD));
}

Encoder::Encoder(const HalfConfig& c) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c);
}

BaseModelOutput Encoder::operator()(Tensor x_BTD, const nn::AttentionContext& context, nn::Recorder& record) const {
  for (const EncoderLayer& layer : layers) x_BTD = layer(record(x_BTD), context);
  return record.finish(x_BTD);
}

TextEmbeddings::TextEmbeddings(const HalfConfig& c, int64_t vocab_size, int64_t positions)
    : token_embedding(vocab_size, c.hidden_size), position_embedding(positions, c.hidden_size) {}

Tensor TextEmbeddings::operator()(const TextInputs& in) const {
  const Tensor words_BTD = nn::embed(in, token_embedding);
  return words_BTD + nn::position_embeddings(in, words_BTD, position_embedding, "max_position_embeddings");
}

CLIPTextModel::CLIPTextModel(const CLIPTextConfig& c)
    : Backbone(c),
      embeddings(c, c.vocab_size, c.max_position_embeddings),
      encoder(c),
      final_layer_norm(c.hidden_size, c.layer_norm_eps) {}

WeightMap without_other_half(std::string prefix) {
  return {.base_model_prefix = std::move(prefix),
          .ignored = {"*position_ids", "text_model.*", "vision_model.*", "text_projection.*", "visual_projection.*",
                      "logit_scale", "logit_bias"}};
}

WeightMap CLIPTextModel::weight_map() const { return without_other_half("text_model"); }
WeightMap CLIPVisionModel::weight_map() const { return without_other_half("vision_model"); }
WeightMap CLIPModel::weight_map() const { return {.ignored = {"*position_ids"}}; }
WeightMap CLIPForImageClassification::weight_map() const { return without_other_half(""); }

BaseModelOutput CLIPTextModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  const Tensor x_BTD = embeddings(in);
  BaseModelOutput out = encoder(x_BTD, nn::causal_attention(in, x_BTD, record), record);
  out.last_hidden_state = final_layer_norm(out.last_hidden_state);
  // Files that say 2 are older than the key's right value: the end is the largest id there. Else it is the first end.
  const std::vector<int64_t>& end = config().eos_token_id;
  const bool by_largest = end.size() == 1 && end[0] == 2;
  const Tensor marks =
      by_largest || end.empty() ? in.input_ids : cast(eq(in.input_ids, static_cast<double>(end[0])), DType::i64);
  out.pooler_output = nn::at_positions(out.last_hidden_state, argmax(marks, 1));
  return out;
}

VisionEmbeddings::VisionEmbeddings(const CLIPVisionConfig& c)
    : class_embedding(parameter({c.hidden_size})),
      image(nn::extent(c.image_size, "image_size")),
      patch(nn::extent(c.patch_size, "patch_size")) {
  patch_embedding = nn::Conv2d::patches(c.num_channels, c.hidden_size, patch.height, patch.width, false);
  const nn::Extent grid = nn::patch_grid(image, patch);
  position_embedding = nn::Embedding(grid.height * grid.width + 1, c.hidden_size);
}

Tensor VisionEmbeddings::operator()(const ImageInputs& in) const {
  const nn::Extent pixels = nn::check_pixels(in, patch_embedding.weight.size(1));
  if (!in.interpolate_pos_encoding) nn::require_image_size(pixels, image);
  const Tensor x_BTD =
      nn::prepend(reshape(class_embedding, {1, 1, -1}), nn::to_tokens(patch_embedding(in.pixel_values)));
  const Tensor positions = unsqueeze(position_embedding.weight, 0);
  if (!in.interpolate_pos_encoding || (x_BTD.size(1) == positions.size(1) && pixels.height == pixels.width))
    return x_BTD + positions;
  return x_BTD + nn::interpolate_positions(positions, 1, nn::patch_grid(pixels, patch));
}

CLIPVisionModel::CLIPVisionModel(const CLIPVisionConfig& c)
    : Backbone(c),
      embeddings(c),
      pre_layrnorm(c.hidden_size, c.layer_norm_eps),
      post_layernorm(c.hidden_size, c.layer_norm_eps),
      encoder(c) {}

BaseModelOutput CLIPVisionModel::forward(const ImageInputs& in) const {
  nn::Recorder record(in);
  BaseModelOutput out = encoder(pre_layrnorm(embeddings(in)), nn::image_attention(in, record), record);
  out.pooler_output = post_layernorm(select(out.last_hidden_state, 1, 0));
  return out;
}

CLIPModel::CLIPModel(const CLIPConfig& c)
    : Backbone(c),
      text_model(c.text()),
      vision_model(c.vision()),
      visual_projection(c.vision().hidden_size, c.projection_dim, false),
      text_projection(c.text().hidden_size, c.projection_dim, false),
      logit_scale(parameter({})) {}

ImageTextOutput CLIPModel::forward(const ImageTextInputs& in) const {
  BaseModelOutput images = vision_model.forward(in.images());
  BaseModelOutput texts = text_model.forward(in.texts());
  images.pooler_output = visual_projection(images.pooler_output);
  texts.pooler_output = text_projection(texts.pooler_output);
  ImageTextOutput out = nn::compare_images_and_texts(std::move(images), std::move(texts), logit_scale, {});
  if (in.return_loss) {  // each picture belongs to the text of its number
    const Tensor own = Tensor::arange(0, static_cast<double>(out.logits_per_text.size(0)));
    out.loss = (nn::token_loss(out.logits_per_text, own) + nn::token_loss(out.logits_per_image, own)) / 2;
  }
  return out;
}

CLIPForImageClassification::CLIPForImageClassification(const CLIPConfig& c)
    : Backbone(c), vision_model(c.vision()), classifier(c.vision().hidden_size, c.num_labels()) {}

LogitsOutput CLIPForImageClassification::forward(const ImageInputs& in) const {
  const auto mean_of_patches = [](const BaseModelOutput& below) {
    return mean(narrow(below.last_hidden_state, 1, 1, below.last_hidden_state.size(1) - 1), {1});
  };
  return nn::classify_image(
      vision_model, [this](const Tensor& x) { return classifier(x); }, mean_of_patches, in, config());
}

}  // namespace imago::clip

namespace imago {

void register_clip(Registry& registry) {
  using namespace clip;
  registry.add<CLIPModel>("CLIPModel", {"AutoModelForZeroShotImageClassification"});
  registry.add<CLIPForImageClassification>("CLIPForImageClassification");
  registry.add<CLIPTextModel>("CLIPTextModel", {"AutoModelForTextEncoding"});
  registry.add<CLIPVisionModel>("CLIPVisionModel");
}

}  // namespace imago
