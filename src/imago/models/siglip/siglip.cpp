// SigLIP (Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training").
// B batch, N patches, T tokens, H heads, K head size, D hidden.
#include "imago/nn/registry.h"
#include "imago/nn/vision/two_towers.h"
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

struct SiglipTextConfig : nn::TextTowerConfig {
  static constexpr const char* kModelType = "siglip_text_model";
  std::optional<int64_t> projection_size;  // hidden_size where absent
  FIELDS_AND(TextTowerConfig, projection_size)

  SiglipTextConfig() {
    vocab_size = 32000, max_position_embeddings = 64;
    hidden_size = 768, intermediate_size = 3072, num_attention_heads = 12;
    hidden_act = "gelu_pytorch_tanh", layer_norm_eps = 1e-6;
    pad_token_id = 1, bos_token_id = 49406, eos_token_id = {49407};
  }
};

struct SiglipVisionConfig : nn::ImageTowerConfig {
  static constexpr const char* kModelType = "siglip_vision_model";
  bool vision_use_head = true;
  FIELDS_AND(ImageTowerConfig, vision_use_head)

  SiglipVisionConfig() {
    patch_size = {16};
    hidden_size = 768, intermediate_size = 3072, num_attention_heads = 12;
    hidden_act = "gelu_pytorch_tanh", layer_norm_eps = 1e-6;
  }
};

struct SiglipConfig : nn::TwoTowersConfig<SiglipTextConfig, SiglipVisionConfig> {
  static constexpr const char* kModelType = "siglip";
};

// Every token sees every other; the vector is the last token's, padding or not.
struct SiglipTextModel : nn::Backbone<SiglipTextConfig> {
  nn::TextTowerEmbeddings embeddings;
  nn::Tower encoder;
  nn::LayerNorm final_layer_norm;
  nn::Linear head;
  FIELDS(embeddings, encoder, final_layer_norm, head)

  explicit SiglipTextModel(const SiglipTextConfig& c)
      : Backbone(c),
        embeddings(c),
        encoder(c),
        final_layer_norm(c.hidden_size, c.layer_norm_eps),
        head(c.hidden_size, c.projection_size.value_or(c.hidden_size)) {}
  WeightMap weight_map() const override { return nn::without_other_tower("text_model"); }
  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    const Tensor x_BTD = embeddings(in);
    BaseModelOutput out = encoder(x_BTD, nn::full_attention(in, x_BTD, record), record);
    out.last_hidden_state = final_layer_norm(out.last_hidden_state);
    out.pooler_output = head(select(out.last_hidden_state, 1, -1));
    return out;
  }
};

// One learned query that attends to all patches, with torch's stacked projections.
struct PoolingHead : Module {
  Tensor probe, in_proj_weight, in_proj_bias;
  nn::Linear out_proj;
  nn::LayerNorm layernorm;
  nn::MLP mlp;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_fields(
        visitor, "probe, attention.in_proj_weight, attention.in_proj_bias, attention.out_proj, layernorm, mlp", probe,
        in_proj_weight, in_proj_bias, out_proj, layernorm, mlp);
  }

  explicit PoolingHead(const SiglipVisionConfig& c)
      : probe(parameter({1, 1, c.hidden_size})),
        in_proj_weight(parameter({3 * c.hidden_size, c.hidden_size})),
        in_proj_bias(parameter({3 * c.hidden_size})),
        out_proj(c.hidden_size, c.hidden_size),
        layernorm(c.hidden_size, c.layer_norm_eps),
        mlp(c.hidden_size, c.intermediate_size, c.hidden_act),
        heads(c.num_attention_heads) {}
  Tensor operator()(const Tensor& x_BND) const {  // [B, D]
    const Tensors weights = split(in_proj_weight, x_BND.size(2)), biases = split(in_proj_bias, x_BND.size(2));
    const auto project = [&](const Tensor& x, int64_t part) {
      return nn::split_heads(linear(x, weights[part], biases[part]), heads);
    };
    const Tensor query_B1D = expand(probe, {x_BND.size(0), -1, -1});
    const Tensor attended = scaled_dot_product_attention(project(query_B1D, 0), project(x_BND, 1), project(x_BND, 2));
    const Tensor h_B1D = out_proj(nn::merge_heads(attended));
    return select(h_B1D + mlp(layernorm(h_B1D)), 1, 0);
  }

  int64_t heads;
};

struct SiglipVisionModel : nn::Backbone<SiglipVisionConfig, ImageModel> {
  nn::ImageTowerEmbeddings embeddings;
  nn::Tower encoder;
  nn::LayerNorm post_layernorm;
  std::optional<PoolingHead> head;
  FIELDS(embeddings, encoder, post_layernorm, head)

  explicit SiglipVisionModel(const SiglipVisionConfig& c)
      : Backbone(c), embeddings(c, false), encoder(c), post_layernorm(c.hidden_size, c.layer_norm_eps) {
    if (c.vision_use_head) head.emplace(c);
  }
  WeightMap weight_map() const override { return nn::without_other_tower("vision_model"); }
  BaseModelOutput forward(const ImageInputs& in) const override {
    nn::Recorder record(in);
    BaseModelOutput out = encoder(embeddings(in), nn::image_attention(in, record), record);
    out.last_hidden_state = post_layernorm(out.last_hidden_state);
    if (head) out.pooler_output = (*head)(out.last_hidden_state);
    return out;
  }
};

struct SiglipModel : nn::Backbone<SiglipConfig, ImageTextModel> {
  SiglipTextModel text_model;
  SiglipVisionModel vision_model;
  Tensor logit_scale, logit_bias;
  FIELDS(text_model, vision_model, logit_scale, logit_bias)

  explicit SiglipModel(const SiglipConfig& c)
      : Backbone(c),
        text_model(c.text()),
        vision_model(c.vision()),
        logit_scale(parameter({1})),
        logit_bias(parameter({1})) {}
  WeightMap weight_map() const override { return {.ignored = {"*position_ids"}}; }
  ImageTextOutput forward(const ImageTextInputs& in) const override {
    BaseModelOutput images = vision_model.forward(in.images()), texts = text_model.forward(in.texts());
    ImageTextOutput out = nn::compare_images_and_texts(std::move(images), std::move(texts), logit_scale, logit_bias);
    if (in.return_loss) {  // -log sigmoid(x) where picture and text belong together, of -x elsewhere
      const Tensor& x = out.logits_per_text;
      const Tensor rows = Tensor::arange(0, static_cast<double>(x.size(0)));
      const Tensor own = eq(unsqueeze(rows, 1), unsqueeze(rows, 0));
      out.loss = mean(sum(nn::softplus(where(own, x * -1.0, x)), {1}));
    }
    return out;
  }
};

Tensor mean_of_patches(const BaseModelOutput& output) { return mean(output.last_hidden_state, {1}); }
using SiglipForImageClassification = nn::TowerForImageClassification<SiglipConfig, SiglipVisionModel, mean_of_patches>;

}  // namespace imago::siglip

REGISTER_MODELS(siglip, SiglipModel, SiglipForImageClassification, SiglipTextModel, SiglipVisionModel)
