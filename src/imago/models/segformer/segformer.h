// SegFormer (Xie et al. 2021, "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/patches.h"

namespace imago::segformer {

struct SegformerConfig : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "segformer";
  int64_t num_channels = 3, num_encoder_blocks = 4, decoder_hidden_size = 256, semantic_loss_ignore_index = 255;
  std::vector<int64_t> depths = {2, 2, 2, 2}, sr_ratios = {8, 4, 2, 1}, hidden_sizes = {32, 64, 160, 256};
  std::vector<int64_t> patch_sizes = {7, 3, 3, 3}, strides = {4, 2, 2, 2}, num_attention_heads = {1, 2, 5, 8};
  std::vector<double> mlp_ratios = {4, 4, 4, 4};
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-6;  // which no layer reads
  double hidden_dropout_prob = 0, attention_probs_dropout_prob = 0, drop_path_rate = 0.1;
  bool reshape_last_stage = true;
  FIELDS_AND(Config, num_channels, num_encoder_blocks, decoder_hidden_size, semantic_loss_ignore_index, depths,
             sr_ratios, hidden_sizes, patch_sizes, strides, num_attention_heads, mlp_ratios, hidden_act, layer_norm_eps,
             reshape_last_stage, hidden_dropout_prob, attention_probs_dropout_prob, drop_path_rate)

  void validate() const override;
  int64_t output_size() const { return hidden_sizes.back(); }
  std::vector<nn::DroppedByDefault> dropped_by_default() const override {
    return {{"classifier_dropout_prob", 0.1, true}};
  }
};

// Patches that overlap.
struct PatchEmbeddings : Module {
  nn::Conv2d proj;
  nn::LayerNorm layer_norm;
  FIELDS(proj, layer_norm)
};

// Fewer keys and values than queries: a strided convolution over the picture.
struct SequenceReduction : Module {
  nn::Conv2d sequence_reduction;
  nn::LayerNorm layer_norm;
  FIELDS(sequence_reduction, layer_norm)
};

struct Attention : Module {
  nn::Linear q_proj, k_proj, v_proj, o_proj;
  std::optional<SequenceReduction> sequence_reduction;
  int64_t heads;
  FIELDS(q_proj, k_proj, v_proj, o_proj, sequence_reduction)

  Attention(const SegformerConfig& c, int64_t stage);
  Tensor operator()(const Tensor& x_BND, nn::Extent grid, const nn::AttentionContext& context) const;
};

struct DepthWise : Module {
  nn::Conv2d dwconv;
  FIELDS(dwconv)
};

// A dense layer, a convolution of each channel, which is what tells positions apart, and another dense layer.
struct MixMLP : Module {
  nn::Linear fc1, fc2;
  DepthWise dwconv;
  nn::Activation activation;
  FIELDS(fc1, dwconv, fc2)

  MixMLP(const SegformerConfig& c, int64_t stage);
  Tensor operator()(const Tensor& x_BND, nn::Extent grid) const;

  double dropped;
};

struct Layer : Module {
  nn::LayerNorm layernorm_before, layernorm_after;
  Attention attention;
  MixMLP mlp;
  FIELDS(layernorm_before, attention, layernorm_after, mlp)

  // `path_rate` is how often a row goes without it in training.
  Layer(const SegformerConfig& c, int64_t stage, double path_rate);
  Tensor operator()(const Tensor& x_BND, nn::Extent grid, const nn::AttentionContext& context) const;

  double dropped, path_rate;
};

struct Stage : Module {
  PatchEmbeddings patch_embeddings;
  std::vector<Layer> blocks;
  nn::LayerNorm layer_norm;
  bool makes_picture;
  FIELDS(patch_embeddings, blocks, layer_norm)

  Stage(const SegformerConfig& c, int64_t stage, const std::vector<double>& path_rates);
  Tensor operator()(const Tensor& x_BCHW, const nn::AttentionContext& context) const;
};

struct SegformerModel : nn::Backbone<SegformerConfig, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "segformer";
  std::vector<Stage> stages;
  FIELDS(stages)

  explicit SegformerModel(const SegformerConfig& c);
  WeightMap weight_map() const override;
  // The hidden states are what each stage gave.
  BaseModelOutput forward(const ImageInputs& in) const override;
};

struct Projection : Module {
  nn::Linear proj;
  FIELDS(proj)
};

struct DecodeHead : Module {
  std::vector<Projection> linear_projections;
  nn::Conv2d linear_fuse, classifier;
  nn::BatchNorm2d batch_norm;
  FIELDS(linear_projections, linear_fuse, batch_norm, classifier)

  explicit DecodeHead(const SegformerConfig& c);
  Tensor operator()(const Tensors& stages) const;  // [B, labels, height / 4, width / 4]
};

struct SegformerForSemanticSegmentation : SemanticSegmentation {
  static constexpr const char* kOtherAutoClass = "AutoModelForImageSegmentation";
  using ConfigType = SegformerConfig;
  SegformerModel segformer;
  DecodeHead decode_head;
  FIELDS(segformer, decode_head)

  explicit SegformerForSemanticSegmentation(const SegformerConfig& c) : segformer(c), decode_head(c) {}
  const SegformerConfig& config() const override { return segformer.config(); }
  WeightMap weight_map() const override;
  LogitsOutput forward(const ImageInputs& in) const override;
};

// The mean over all positions of the last stage.
Tensor mean_of_last_stage(const BaseModelOutput& output);
using SegformerForImageClassification = nn::ForImageClassification<SegformerModel, mean_of_last_stage>;

}  // namespace imago::segformer
