// ViT (Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/patches.h"

namespace imago::vit {

struct ViTConfig : Config {
  static constexpr const char* kModelType = "vit";
  int64_t hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12, intermediate_size = 3072;
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-12;
  std::vector<int64_t> image_size = {224}, patch_size = {16};
  int64_t num_channels = 3, encoder_stride = 16;
  bool qkv_bias = true;
  std::optional<int64_t> pooler_output_size;
  std::string pooler_act = "tanh";
  FIELDS_AND(Config, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, hidden_act, layer_norm_eps,
             image_size, patch_size, num_channels, encoder_stride, qkv_bias, pooler_output_size, pooler_act)

  void validate() const override;
};

struct PatchEmbeddings : Module {
  nn::Conv2d projection;
  FIELDS(projection)

  explicit PatchEmbeddings(const ViTConfig& c);
  Tensor operator()(const ImageInputs& in) const;  // [B, N, D]

  int64_t channels;
};

struct Embeddings : Module {
  Tensor cls_token, distillation_token, mask_token, position_embeddings;
  PatchEmbeddings patch_embeddings;
  FIELDS(cls_token, distillation_token, mask_token, position_embeddings, patch_embeddings)

  // The mask token is of masked image modeling only, the distillation token of DeiT.
  Embeddings(const ViTConfig& c, bool with_mask_token, bool with_distillation_token);
  Tensor operator()(const ImageInputs& in) const;  // [B, T, D]

  nn::Extent image, patch;
};

struct MLP : Module {
  nn::Linear fc1, fc2;
  nn::Activation activation;
  FIELDS(fc1, fc2)

  MLP(int64_t hidden_size, int64_t intermediate_size, std::string_view hidden_act);
  Tensor operator()(const Tensor& x_BTD) const { return fc2(activation(fc1(x_BTD))); }
};

struct Attention : nn::MultiHeadAttention<"q_proj", "k_proj", "v_proj", "o_proj"> {
  explicit Attention(const ViTConfig& c);
};

struct Layer : Module {
  Attention attention;
  nn::LayerNorm layernorm_before, layernorm_after;
  MLP mlp;
  FIELDS(attention, layernorm_before, layernorm_after, mlp)

  explicit Layer(const ViTConfig& c);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;
};

struct Pooler : Module {
  nn::Linear dense;
  nn::Activation activation;
  FIELDS(dense)

  explicit Pooler(const ViTConfig& c);
  Tensor operator()(const Tensor& x_BTD) const;
};

BaseModelOutput encode(Tensor x_BTD, const std::vector<Layer>& layers, const nn::LayerNorm& layernorm,
                       const std::optional<Pooler>& pooler, const ImageInputs& in);

// The names of the Hub's files, which are those of BERT's layers; of ViT and those that have its layers.
std::vector<WeightRule> layer_rules();
std::vector<WeightRule> attention_rules(const std::string& layers);  // of attention, where `layers` is the list's name
WeightMap weight_map(std::string prefix);

// The model of ViT's kind whose configuration is C, a ViTConfig.
template <class C, nn::FieldName prefix, bool distilled = false>
struct PatchTransformer : nn::Backbone<C, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = prefix;
  Embeddings embeddings;
  std::vector<Layer> layers;
  nn::LayerNorm layernorm;
  std::optional<Pooler> pooler;
  FIELDS(embeddings, layers, layernorm, pooler)

  explicit PatchTransformer(const C& c, bool with_pooler = true, bool with_mask_token = false)
      : nn::Backbone<C, ImageModel>(c),
        embeddings(c, with_mask_token, distilled),
        layernorm(c.hidden_size, c.layer_norm_eps) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c);
    if (with_pooler) pooler.emplace(c);
  }
  WeightMap weight_map() const override { return vit::weight_map(prefix.string()); }
  BaseModelOutput forward(const ImageInputs& in) const override {
    return encode(embeddings(in), layers, layernorm, pooler, in);
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
