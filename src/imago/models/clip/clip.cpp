// CLIP (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision").
// B batch, T tokens or patches with the class token, D hidden.
#include "imago/nn/heads/pooling.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/nn/vision/two_towers.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/slice/slice.h"

namespace imago::clip {

struct CLIPTextConfig : nn::TextTowerConfig {
  static constexpr const char* kModelType = "clip_text_model";
  int64_t projection_dim = 512;
  FIELDS_AND(TextTowerConfig, projection_dim)

  CLIPTextConfig() {
    vocab_size = 49408, max_position_embeddings = 77;
    hidden_size = 512, intermediate_size = 2048, num_attention_heads = 8;
    pad_token_id = 1, bos_token_id = 49406, eos_token_id = {49407};
  }
};

struct CLIPVisionConfig : nn::ImageTowerConfig {
  static constexpr const char* kModelType = "clip_vision_model";
  int64_t projection_dim = 512;
  FIELDS_AND(ImageTowerConfig, projection_dim)

  CLIPVisionConfig() { hidden_size = 768, intermediate_size = 3072, num_attention_heads = 12; }
};

struct CLIPConfig : nn::TwoTowersConfig<CLIPTextConfig, CLIPVisionConfig> {
  static constexpr const char* kModelType = "clip";
  int64_t projection_dim = 512;
  double logit_scale_init_value = 2.6592;
  FIELDS_AND(TwoTowersConfig, projection_dim, logit_scale_init_value)
};

struct CLIPTextModel : nn::Backbone<CLIPTextConfig, nn::TextEncoder> {
  nn::TextTowerEmbeddings embeddings;
  nn::Tower encoder;
  nn::LayerNorm final_layer_norm;
  FIELDS(embeddings, encoder, final_layer_norm)

  explicit CLIPTextModel(const CLIPTextConfig& c)
      : Backbone(c), embeddings(c), encoder(c), final_layer_norm(c.hidden_size, c.layer_norm_eps) {}
  WeightMap weight_map() const override { return nn::without_other_tower("text_model"); }
  // pooler_output is the vector at the text's end.
  BaseModelOutput forward(const TextInputs& in) const override {
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
};

struct CLIPVisionModel : nn::Backbone<CLIPVisionConfig, ImageModel> {
  nn::ImageTowerEmbeddings embeddings;
  nn::LayerNorm pre_layrnorm, post_layernorm;
  nn::Tower encoder;
  FIELDS(embeddings, pre_layrnorm, encoder, post_layernorm)

  explicit CLIPVisionModel(const CLIPVisionConfig& c)
      : Backbone(c),
        embeddings(c, true),
        pre_layrnorm(c.hidden_size, c.layer_norm_eps),
        post_layernorm(c.hidden_size, c.layer_norm_eps),
        encoder(c) {}
  WeightMap weight_map() const override { return nn::without_other_tower("vision_model"); }
  BaseModelOutput forward(const ImageInputs& in) const override {
    nn::Recorder record(in);
    BaseModelOutput out = encoder(pre_layrnorm(embeddings(in)), nn::image_attention(in, record), record);
    out.pooler_output = post_layernorm(nn::first_token(out));
    return out;
  }
};

struct CLIPModel : nn::Backbone<CLIPConfig, ImageTextModel> {
  CLIPTextModel text_model;
  CLIPVisionModel vision_model;
  nn::Linear visual_projection, text_projection;
  Tensor logit_scale;
  FIELDS(text_model, vision_model, visual_projection, text_projection, logit_scale)

  explicit CLIPModel(const CLIPConfig& c)
      : Backbone(c),
        text_model(c.text()),
        vision_model(c.vision()),
        visual_projection(c.vision().hidden_size, c.projection_dim, false),
        text_projection(c.text().hidden_size, c.projection_dim, false),
        logit_scale(parameter({})) {}
  WeightMap weight_map() const override { return {.ignored = {"*position_ids"}}; }
  ImageTextOutput forward(const ImageTextInputs& in) const override {
    BaseModelOutput images = vision_model.forward(in.images()), texts = text_model.forward(in.texts());
    images.pooler_output = visual_projection(images.pooler_output);
    texts.pooler_output = text_projection(texts.pooler_output);
    ImageTextOutput out = nn::compare_images_and_texts(std::move(images), std::move(texts), logit_scale, {});
    if (in.return_loss) {  // each picture belongs to the text of its number
      const Tensor own = Tensor::arange(0, static_cast<double>(out.logits_per_text.size(0)));
      out.loss = (nn::token_loss(out.logits_per_text, own) + nn::token_loss(out.logits_per_image, own)) / 2;
    }
    return out;
  }
};

Tensor mean_of_patches(const BaseModelOutput& output) {
  return mean(narrow(output.last_hidden_state, 1, 1, output.last_hidden_state.size(1) - 1), {1});
}
using CLIPForImageClassification = nn::TowerForImageClassification<CLIPConfig, CLIPVisionModel, mean_of_patches>;

}  // namespace imago::clip

REGISTER_MODELS(clip, CLIPModel, CLIPForImageClassification, CLIPTextModel, CLIPVisionModel)
