// ViT (Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale").
// B batch, N patches, T tokens (the class token, perhaps another, and the patches), D hidden.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/patch_transformer.h"

namespace imago::vit {

struct ViTConfig : nn::PatchTransformerConfig {
  static constexpr const char* kModelType = "vit";
  int64_t encoder_stride = 16;
  std::optional<int64_t> pooler_output_size;
  std::string pooler_act = "tanh";
  FIELDS_AND(PatchTransformerConfig, intermediate_size, encoder_stride, pooler_output_size, pooler_act)
};

struct Pooler : Module {
  nn::Linear dense;
  nn::Activation activation;
  FIELDS(dense)

  explicit Pooler(const ViTConfig& c)
      : dense(c.hidden_size, c.pooler_output_size.value_or(c.hidden_size)), activation(nn::activation(c.pooler_act)) {}
  Tensor operator()(const BaseModelOutput& output) const { return activation(dense(nn::first_token(output))); }
};

// The model of ViT's kind whose configuration is C, a ViTConfig.
template <class C, nn::FieldName prefix, bool distilled = false>
struct PatchTransformer : nn::Backbone<C, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = prefix;
  nn::PatchTokens embeddings;
  std::vector<nn::PatchTransformerLayer> layers;
  nn::LayerNorm layernorm;
  std::optional<Pooler> pooler;
  FIELDS(embeddings, layers, layernorm, pooler)

  explicit PatchTransformer(const C& c, bool with_pooler = true, bool with_mask_token = false)
      : nn::Backbone<C, ImageModel>(c),
        embeddings(c, with_mask_token, distilled),
        layernorm(c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers.emplace_back(c.layer_options());
    if (with_pooler) pooler.emplace(c);
  }
  WeightMap weight_map() const override {
    return {.base_model_prefix = prefix.string(),
            .rules = nn::patch_layer_rules(),
            .ignored = {"*pooler.dense.*", "*embeddings.mask_token"},  // which not every head reads
            .optional = {"pooler.dense.*"}};
  }
  BaseModelOutput forward(const ImageInputs& in) const override {
    nn::Recorder record(in);
    const nn::AttentionDropout attention_dropout(this->config().attention_probs_dropout_prob);
    BaseModelOutput out = nn::run_layers(embeddings(in), layers, nn::image_attention(in, record), record);
    out.last_hidden_state = layernorm(out.last_hidden_state);
    if (pooler && pooler->dense.weight) out.pooler_output = (*pooler)(out);
    return out;
  }
};

// As heads stand on it.
template <class Base>
struct WithoutPooler : Base {
  explicit WithoutPooler(const typename Base::ConfigType& c) : Base(c, false) {}
};
template <class Base>
struct WithMaskToken : Base {
  explicit WithMaskToken(const typename Base::ConfigType& c) : Base(c, false, true) {}
};

using ViTModel = PatchTransformer<ViTConfig, "vit">;
using ViTForImageClassification = nn::ForImageClassification<WithoutPooler<ViTModel>, nn::first_token>;
using ViTForMaskedImageModeling = nn::ForMaskedImageModeling<WithMaskToken<ViTModel>, 1>;

}  // namespace imago::vit
