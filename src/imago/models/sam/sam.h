// SAM (Kirillov et al. 2023, "Segment Anything").
#pragma once

#include "imago/models/sam/sam_vision.h"
#include "imago/nn/vision/prompt_encoder.h"
#include "imago/nn/vision/two_way_transformer.h"

namespace imago::sam {

struct SamPromptEncoderConfig : Config {
  static constexpr const char* kModelType = "sam_prompt_encoder";
  int64_t hidden_size = 256, image_size = 1024, patch_size = 16, mask_input_channels = 16, num_point_embeddings = 4;
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-6;
  std::optional<int64_t> image_embedding_size;  // image_size / patch_size
  FIELDS_AND(Config, hidden_size, image_size, patch_size, mask_input_channels, num_point_embeddings, hidden_act,
             layer_norm_eps, image_embedding_size)
};

struct SamMaskDecoderConfig : Config {
  static constexpr const char* kModelType = "sam_mask_decoder";
  int64_t hidden_size = 256, mlp_dim = 2048, num_hidden_layers = 2, num_attention_heads = 8;
  int64_t attention_downsample_rate = 2, num_multimask_outputs = 3, iou_head_depth = 3, iou_head_hidden_dim = 256;
  std::string hidden_act = "relu";
  double layer_norm_eps = 1e-6;
  FIELDS_AND(Config, hidden_size, mlp_dim, num_hidden_layers, num_attention_heads, attention_downsample_rate,
             num_multimask_outputs, iou_head_depth, iou_head_hidden_dim, hidden_act, layer_norm_eps)
};

struct SamConfig : Config {
  static constexpr const char* kModelType = "sam";
  JsonText vision_config, prompt_encoder_config, mask_decoder_config;
  FIELDS_AND(Config, vision_config, prompt_encoder_config, mask_decoder_config)

  SamVisionConfig vision() const;
  SamPromptEncoderConfig prompts() const;
  SamMaskDecoderConfig decoder() const;
  void validate() const override;
};

struct MaskDecoder : Module {
  nn::Embedding iou_token, mask_tokens;
  nn::TwoWayTransformer transformer;
  nn::ConvTranspose2d upscale_conv1, upscale_conv2;
  nn::PixelNorm upscale_layer_norm;
  std::vector<nn::FeedForward> output_hypernetworks_mlps;
  nn::FeedForward iou_prediction_head;
  FIELDS(iou_token, mask_tokens, transformer, upscale_conv1, upscale_conv2, upscale_layer_norm,
         output_hypernetworks_mlps, iou_prediction_head)

  explicit MaskDecoder(const SamMaskDecoderConfig& c);
  // `picture` [B, D, height, width] with its `places` [1, N, D].
  MaskGenerationOutput operator()(const Tensor& picture, const Tensor& places, const Tensor& sparse,
                                  const MaskPrompts& in) const;
};

struct SamModel : nn::Backbone<SamConfig, MaskGeneration> {
  static constexpr const char* kOtherAutoClass = "AutoModel";
  nn::PositionalEmbedding shared_image_embedding;
  VisionEncoder vision_encoder;
  nn::PromptEncoder prompt_encoder;
  MaskDecoder mask_decoder;
  FIELDS(shared_image_embedding, vision_encoder, prompt_encoder, mask_decoder)

  explicit SamModel(const SamConfig& c);
  WeightMap weight_map() const override;
  Tensor image_embeddings(const Tensor& pixel_values) const override;
  MaskGenerationOutput forward(const MaskPrompts& in) const override;
};

}  // namespace imago::sam
