// Swin (Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows").
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/vision/feature_maps.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/shifted_windows.h"

namespace imago::swin {

struct SwinConfig : nn::StagedConfig {
  static constexpr const char* kModelType = "swin";
  std::vector<int64_t> image_size = {224}, patch_size = {4}, depths = {2, 2, 6, 2}, num_heads = {3, 6, 12, 24};
  int64_t num_channels = 3, embed_dim = 96, window_size = 7, encoder_stride = 32;
  double mlp_ratio = 4, layer_norm_eps = 1e-5;
  double hidden_dropout_prob = 0, attention_probs_dropout_prob = 0, drop_path_rate = 0.1;
  bool qkv_bias = true, use_absolute_embeddings = false;
  std::string hidden_act = "gelu";
  std::optional<int64_t> hidden_size, num_layers;  // which follow from the others
  std::optional<bool> path_norm;                   // which nothing reads
  FIELDS_AND(StagedConfig, image_size, patch_size, depths, num_heads, num_channels, embed_dim, window_size,
             encoder_stride, mlp_ratio, layer_norm_eps, hidden_dropout_prob, attention_probs_dropout_prob,
             drop_path_rate, qkv_bias, use_absolute_embeddings, hidden_act, hidden_size, num_layers, path_norm)

  void validate() const override;
  int64_t stage_count() const { return static_cast<int64_t>(depths.size()); }
  int64_t size_of(int64_t stage) const { return embed_dim << stage; }
  nn::ShiftedWindowOptions windows(int64_t stage) const;
  int64_t output_size() const { return size_of(stage_count() - 1); }
};

struct PatchEmbeddings : Module {
  nn::Conv2d projection;
  FIELDS(projection)
};

struct Embeddings : Module {
  PatchEmbeddings patch_embeddings;
  Tensor mask_token, position_embeddings;
  nn::LayerNorm norm;
  nn::Extent patch;
  FIELDS(patch_embeddings, mask_token, position_embeddings, norm)

  Embeddings(const SwinConfig& c, bool with_mask_token);
  Tensor operator()(const ImageInputs& in) const;  // [B, height, width, D]

  double dropped;
};

struct Stage : Module {
  std::vector<nn::ShiftedWindowLayer> blocks;
  std::optional<nn::PatchMerging> downsample;
  FIELDS(blocks, downsample)

  Stage(const SwinConfig& c, int64_t stage, const std::vector<double>& path_rates);
};

struct Encoder : Module {
  std::vector<Stage> layers;
  FIELDS(layers)
};

// The reference's names of pictures [B, C, height, width] beside tokens.
struct SwinOutput : BaseModelOutput {
  Tensors reshaped_hidden_states;
  FIELDS_AND(BaseModelOutput, reshaped_hidden_states)
};
struct SwinClassifierOutput : LogitsOutput {
  Tensors reshaped_hidden_states;
  FIELDS_AND(LogitsOutput, reshaped_hidden_states)
};
struct SwinReconstructionOutput : MaskedImageModelingOutput {
  Tensors reshaped_hidden_states;
  FIELDS_AND(MaskedImageModelingOutput, reshaped_hidden_states)
};

struct Trunk : Module {
  Embeddings embeddings;
  Encoder encoder;
  FIELDS(embeddings, encoder)

  Trunk(const SwinConfig& c, bool with_mask_token);
  // The last hidden state without a norm, [B, N, D]; hidden states are the embeddings and what each stage gave.
  SwinOutput operator()(const ImageInputs& in) const;
  // Hidden states as pictures, each before it is halved.
  BaseModelOutput maps(const ImageInputs& in) const;

  double attention_dropout;
};

struct SwinModel : nn::Backbone<SwinConfig, CallableModel<ImageInputs, SwinOutput>> {
  static constexpr const char* kAutoClass = "AutoModel";
  Trunk trunk;
  nn::LayerNorm layernorm;
  void each_field(FieldVisitor& visitor) override;

  explicit SwinModel(const SwinConfig& c, bool with_mask_token = false);
  WeightMap weight_map() const override;
  SwinOutput forward(const ImageInputs& in) const override;
};

struct SwinForImageClassification : CallableModel<ImageInputs, SwinClassifierOutput>, LabelsOfImages {
  static constexpr const char* kAutoClass = "AutoModelForImageClassification";
  using ConfigType = SwinConfig;
  SwinModel swin;
  nn::LabelScores<true> classifier;
  FIELDS(swin, classifier)

  explicit SwinForImageClassification(const SwinConfig& c) : swin(c), classifier(c) {}
  const SwinConfig& config() const override { return swin.config(); }
  WeightMap weight_map() const override { return nn::with_head(swin.weight_map(), "swin", "classifier"); }
  SwinClassifierOutput forward(const ImageInputs& in) const override;
  Tensor label_logits(const ImageInputs& in) const override { return forward(in).logits; }
};

struct SwinForMaskedImageModeling : CallableModel<ImageInputs, SwinReconstructionOutput> {
  static constexpr const char* kAutoClass = "AutoModelForMaskedImageModeling";
  using ConfigType = SwinConfig;
  SwinModel swin;
  nn::PixelDecoder decoder;
  FIELDS(swin, decoder)

  explicit SwinForMaskedImageModeling(const SwinConfig& c) : swin(c, true), decoder(c) {}
  const SwinConfig& config() const override { return swin.config(); }
  WeightMap weight_map() const override { return nn::with_head(swin.weight_map(), "swin", "decoder"); }
  SwinReconstructionOutput forward(const ImageInputs& in) const override;
};

struct SwinBackbone : nn::Backbone<SwinConfig, ImageBackbone> {
  Trunk swin;
  nn::StageNorms hidden_states_norms;
  FIELDS(swin, hidden_states_norms)

  explicit SwinBackbone(const SwinConfig& c);
  WeightMap weight_map() const override;
  BackboneOutput forward(const ImageInputs& in) const override;
};

// The names of the Hub's files, which are those of BERT's layers.
std::vector<WeightRule> layer_rules();

}  // namespace imago::swin
