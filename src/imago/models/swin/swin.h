// Swin (Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows").
#pragma once

#include <map>

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/vision/feature_maps.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/patches.h"

namespace imago::swin {

struct SwinConfig : Config {
  static constexpr const char* kModelType = "swin";
  std::vector<int64_t> image_size = {224}, patch_size = {4}, depths = {2, 2, 6, 2}, num_heads = {3, 6, 12, 24};
  int64_t num_channels = 3, embed_dim = 96, window_size = 7, encoder_stride = 32;
  double mlp_ratio = 4, layer_norm_eps = 1e-5;
  bool qkv_bias = true, use_absolute_embeddings = false;
  std::string hidden_act = "gelu";
  std::optional<int64_t> hidden_size, num_layers;  // which follow from the others
  std::optional<bool> path_norm;                   // which nothing reads
  nn::StageChoice stages;
  void each_field(FieldVisitor& visitor) override;

  void validate() const override;
  int64_t stage_count() const { return static_cast<int64_t>(depths.size()); }
  int64_t size_of(int64_t stage) const { return embed_dim << stage; }
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
};

// A learned score for each distance of query and key.
struct RelativePositionBias : Module {
  Tensor relative_position_bias_table;  // [(2 window - 1)^2, heads]
  int64_t window;
  FIELDS(relative_position_bias_table)

  RelativePositionBias(int64_t window, int64_t heads);
  Tensor operator()() const;  // [1, heads, window^2, window^2]
};

struct Attention : Module {
  nn::Linear q_proj, k_proj, v_proj, o_proj;
  RelativePositionBias relative_position_bias;
  int64_t heads;
  FIELDS(q_proj, k_proj, v_proj, o_proj, relative_position_bias)

  Attention(const SwinConfig& c, int64_t stage);
  // `regions` [B * windows, 1, window^2, window^2] is added to the scores, where there are any.
  Tensor operator()(const Tensor& windows, const Tensor& regions, nn::AttentionContext context) const;
};

struct MLP : Module {
  nn::Linear fc1, fc2;
  nn::Activation activation;
  FIELDS(fc1, fc2)

  MLP(const SwinConfig& c, int64_t size);
  Tensor operator()(const Tensor& x) const { return fc2(activation(fc1(x))); }
};

// Whether windows are shifted whatever the picture's size, as in backbones.
enum class Partition { kWhereItFits, kAlways };

struct Layer : Module {
  Attention attention;
  nn::LayerNorm layernorm_before, layernorm_after;
  MLP mlp;
  int64_t window, shift;
  FIELDS(attention, layernorm_before, layernorm_after, mlp)

  Layer(const SwinConfig& c, int64_t stage, bool shifted);
  Tensor operator()(const Tensor& x_BHWC, Partition partition, const nn::AttentionContext& context) const;
};

// Four pixels become one of twice as many channels.
struct PatchMerging : Module {
  nn::Linear reduction;
  nn::LayerNorm norm;
  FIELDS(reduction, norm)

  explicit PatchMerging(int64_t size);
  Tensor operator()(const Tensor& x_BHWC) const;
};

struct Stage : Module {
  std::vector<Layer> blocks;
  std::optional<PatchMerging> downsample;
  FIELDS(blocks, downsample)

  Stage(const SwinConfig& c, int64_t stage);
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

// Every feature map has a norm of its own, named by its stage.
struct SwinBackbone : nn::Backbone<SwinConfig, ImageBackbone> {
  Trunk swin;
  std::map<int64_t, nn::LayerNorm> hidden_states_norms;
  void each_field(FieldVisitor& visitor) override;

  explicit SwinBackbone(const SwinConfig& c);
  WeightMap weight_map() const override;
  BackboneOutput forward(const ImageInputs& in) const override;
};

// The names of the Hub's files, which are those of BERT's layers.
std::vector<WeightRule> layer_rules();

}  // namespace imago::swin
