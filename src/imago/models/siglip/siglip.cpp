// B batch, N patches, T tokens, H heads, K head size, D hidden.
#include "imago/models/siglip/siglip.h"

#include "imago/nn/registry.h"
#include "imago/nn/sub_config.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/where/where.h"

namespace imago::siglip {

SiglipTextConfig::SiglipTextConfig() {
  hidden_size = 768, intermediate_size = 3072, num_attention_heads = 12;
  hidden_act = "gelu_pytorch_tanh", layer_norm_eps = 1e-6;
  pad_token_id = 1, bos_token_id = 49406, eos_token_id = {49407};
}

SiglipVisionConfig::SiglipVisionConfig() {
  hidden_size = 768, intermediate_size = 3072, num_attention_heads = 12;
  hidden_act = "gelu_pytorch_tanh", layer_norm_eps = 1e-6;
}

SiglipTextConfig SiglipConfig::text() const {
  SiglipTextConfig config;
  nn::read_sub_config(text_config, "text_config", config);
  return config;
}

SiglipVisionConfig SiglipConfig::vision() const {
  SiglipVisionConfig config;
  nn::read_sub_config(vision_config, "vision_config", config);
  return config;
}

void SiglipConfig::validate() const {
  text();
  vision();
}

SiglipTextModel::SiglipTextModel(const SiglipTextConfig& c)
    : Backbone(c),
      embeddings(c, c.vocab_size, c.max_position_embeddings),
      encoder(c),
      final_layer_norm(c.hidden_size, c.layer_norm_eps),
      head(c.hidden_size, c.projection_size.value_or(c.hidden_size)) {}

BaseModelOutput SiglipTextModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  const Tensor x_BTD = embeddings(in);
  BaseModelOutput out = encoder(x_BTD, nn::full_attention(in, x_BTD, record), record);
  out.last_hidden_state = final_layer_norm(out.last_hidden_state);
  out.pooler_output = head(select(out.last_hidden_state, 1, -1));
  return out;
}

VisionEmbeddings::VisionEmbeddings(const SiglipVisionConfig& c)
    : image(nn::extent(c.image_size, "image_size")), patch(nn::extent(c.patch_size, "patch_size")) {
  patch_embedding = nn::Conv2d::patches(c.num_channels, c.hidden_size, patch.height, patch.width);
  const nn::Extent grid = nn::patch_grid(image, patch);
  position_embedding = nn::Embedding(grid.height * grid.width, c.hidden_size);
}

Tensor VisionEmbeddings::operator()(const ImageInputs& in) const {
  const nn::Extent pixels = nn::check_pixels(in, patch_embedding.weight.size(1));
  if (!in.interpolate_pos_encoding) nn::require_image_size(pixels, image);
  const Tensor x_BND = nn::to_tokens(patch_embedding(in.pixel_values));
  const Tensor positions = unsqueeze(position_embedding.weight, 0);
  if (!in.interpolate_pos_encoding || (x_BND.size(1) == positions.size(1) && pixels.height == pixels.width))
    return x_BND + positions;
  return x_BND + nn::interpolate_positions(positions, 0, nn::patch_grid(pixels, patch));
}

PoolingHead::PoolingHead(const SiglipVisionConfig& c)
    : probe(parameter({1, 1, c.hidden_size})),
      in_proj_weight(parameter({3 * c.hidden_size, c.hidden_size})),
      in_proj_bias(parameter({3 * c.hidden_size})),
      out_proj(c.hidden_size, c.hidden_size),
      layernorm(c.hidden_size, c.layer_norm_eps),
      mlp(c),
      heads(c.num_attention_heads) {}

void PoolingHead::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(
      visitor, "probe, attention.in_proj_weight, attention.in_proj_bias, attention.out_proj, layernorm, mlp", probe,
      in_proj_weight, in_proj_bias, out_proj, layernorm, mlp);
}

Tensor PoolingHead::operator()(const Tensor& x_BND) const {
  const int64_t hidden = x_BND.size(2);
  const auto project = [&](const Tensor& x, int64_t part) {
    const Tensor weight = narrow(in_proj_weight, 0, part * hidden, hidden);
    return nn::split_heads(linear(x, weight, narrow(in_proj_bias, 0, part * hidden, hidden)), heads);
  };
  const Tensor query_B1D = expand(probe, {x_BND.size(0), -1, -1});
  const Tensor attended = scaled_dot_product_attention(project(query_B1D, 0), project(x_BND, 1), project(x_BND, 2));
  const Tensor h_B1D = out_proj(nn::merge_heads(attended));
  return select(h_B1D + mlp(layernorm(h_B1D)), 1, 0);
}

SiglipVisionModel::SiglipVisionModel(const SiglipVisionConfig& c)
    : Backbone(c), embeddings(c), encoder(c), post_layernorm(c.hidden_size, c.layer_norm_eps) {
  if (c.vision_use_head) head.emplace(c);
}

WeightMap SiglipTextModel::weight_map() const { return clip::without_other_half("text_model"); }
WeightMap SiglipVisionModel::weight_map() const { return clip::without_other_half("vision_model"); }
WeightMap SiglipModel::weight_map() const { return {.ignored = {"*position_ids"}}; }
WeightMap SiglipForImageClassification::weight_map() const { return clip::without_other_half(""); }

BaseModelOutput SiglipVisionModel::forward(const ImageInputs& in) const {
  nn::Recorder record(in);
  BaseModelOutput out = encoder(embeddings(in), nn::image_attention(in, record), record);
  out.last_hidden_state = post_layernorm(out.last_hidden_state);
  if (head) out.pooler_output = (*head)(out.last_hidden_state);
  return out;
}

SiglipModel::SiglipModel(const SiglipConfig& c)
    : Backbone(c),
      text_model(c.text()),
      vision_model(c.vision()),
      logit_scale(parameter({1})),
      logit_bias(parameter({1})) {}

ImageTextOutput SiglipModel::forward(const ImageTextInputs& in) const {
  ImageTextOutput out = nn::compare_images_and_texts(vision_model.forward(in.images()), text_model.forward(in.texts()),
                                                     logit_scale, logit_bias);
  if (in.return_loss) {  // -log sigmoid(x) where picture and text belong together, of -x elsewhere
    const Tensor& x = out.logits_per_text;
    const Tensor rows = Tensor::arange(0, static_cast<double>(x.size(0)));
    const Tensor own = eq(unsqueeze(rows, 1), unsqueeze(rows, 0));
    out.loss = mean(sum(nn::softplus(where(own, x * -1.0, x)), {1}));
  }
  return out;
}

SiglipForImageClassification::SiglipForImageClassification(const SiglipConfig& c)
    : Backbone(c), vision_model(c.vision()), classifier(c.vision().hidden_size, c.num_labels()) {}

LogitsOutput SiglipForImageClassification::forward(const ImageInputs& in) const {
  const auto mean_of_patches = [](const BaseModelOutput& below) { return mean(below.last_hidden_state, {1}); };
  return nn::classify_image(
      vision_model, [this](const Tensor& x) { return classifier(x); }, mean_of_patches, in, config());
}

}  // namespace imago::siglip

namespace imago {

void register_siglip(Registry& registry) {
  using namespace siglip;
  registry.add<SiglipModel>("SiglipModel", {"AutoModelForZeroShotImageClassification"});
  registry.add<SiglipForImageClassification>("SiglipForImageClassification");
  registry.add<SiglipTextModel>("SiglipTextModel");
  registry.add<SiglipVisionModel>("SiglipVisionModel");
}

}  // namespace imago
