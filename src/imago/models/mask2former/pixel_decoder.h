// From the backbone's maps to one fine map of vectors, and coarser ones that queries attend to. B batch, D hidden.
#pragma once

#include "imago/models/swin/swin.h"
#include "imago/nn/vision/deformable_attention.h"

namespace imago::mask2former {

constexpr int64_t kLevels = 3;  // the coarsest maps, which attention is to

struct Mask2FormerConfig : Config {
  static constexpr const char* kModelType = "mask2former";
  JsonText backbone_config;
  int64_t feature_size = 256, mask_feature_size = 256, hidden_dim = 256, encoder_feedforward_dim = 1024;
  int64_t encoder_layers = 6, decoder_layers = 10, num_attention_heads = 8, dim_feedforward = 2048;
  int64_t common_stride = 4, num_queries = 100;
  std::string activation_function = "relu";
  bool pre_norm = false, enforce_input_projection = false;
  std::vector<int64_t> feature_strides = {4, 8, 16, 32};
  std::optional<bool> output_auxiliary_logits;
  // Of the loss, and of backbones that are not loaded from here.
  double no_object_weight = 0.1, class_weight = 2, mask_weight = 5, dice_weight = 5, oversample_ratio = 3;
  double importance_sample_ratio = 0.75, init_std = 0.02, init_xavier_std = 1;
  int64_t ignore_value = 255, train_num_points = 12544;
  bool use_auxiliary_loss = true;
  std::optional<bool> use_timm_backbone, use_pretrained_backbone;
  std::optional<std::string> backbone;
  JsonText backbone_kwargs;
  std::optional<int64_t> num_hidden_layers, hidden_size;  // other names of the same
  FIELDS_AND(Config, backbone_config, feature_size, mask_feature_size, hidden_dim, encoder_feedforward_dim,
             encoder_layers, decoder_layers, num_attention_heads, dim_feedforward, common_stride, num_queries,
             activation_function, pre_norm, enforce_input_projection, feature_strides, output_auxiliary_logits,
             no_object_weight, class_weight, mask_weight, dice_weight, oversample_ratio, importance_sample_ratio,
             init_std, init_xavier_std, ignore_value, train_num_points, use_auxiliary_loss, use_timm_backbone,
             use_pretrained_backbone, backbone, backbone_kwargs, num_hidden_layers, hidden_size)

  void validate() const override;
  swin::SwinConfig swin() const;
  std::vector<int64_t> channels() const;  // of the backbone's maps, the finest first
  int64_t fine_levels() const;            // maps finer than those of attention
};

// A convolution whose channels are normalised in groups of 32.
struct ConvNorm : Module {
  nn::Conv2d conv;
  Tensor weight, bias;
  void each_field(FieldVisitor& visitor);

  ConvNorm(int64_t in, int64_t out, int64_t kernel, bool with_bias);
  Tensor operator()(const Tensor& x_BCHW) const;
};

struct PixelDecoderLayer : Module {
  nn::DeformableAttention self_attn;
  nn::LayerNorm self_attn_layer_norm, final_layer_norm;
  nn::Linear fc1, fc2;
  FIELDS(self_attn, self_attn_layer_norm, fc1, fc2, final_layer_norm)

  explicit PixelDecoderLayer(const Mask2FormerConfig& c);
  Tensor operator()(const Tensor& x_BND, const Tensor& places_BND, const std::vector<nn::Extent>& maps) const;
};

struct PixelDecoder : Module {
  struct Encoder : Module {
    std::vector<PixelDecoderLayer> layers;
    FIELDS(layers)
  };
  Tensor level_embed;  // [levels, D]
  std::vector<ConvNorm> input_projections;
  Encoder encoder;
  nn::Conv2d mask_projection;
  std::vector<ConvNorm> adapters, output_convolutions;  // of the finer maps, the finest first
  void each_field(FieldVisitor& visitor);

  explicit PixelDecoder(const Mask2FormerConfig& c);
  // The maps that queries attend to, the coarsest first, and behind them the fine one.
  Tensors operator()(const Tensors& features) const;
};

}  // namespace imago::mask2former
