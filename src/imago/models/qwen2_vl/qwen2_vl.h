// Qwen2-VL (Wang et al. 2024, "Qwen2-VL: Enhancing Vision-Language Model's Perception of the World at Any Resolution").
// N patches of all pictures, P values of a patch, D hidden.
#pragma once

#include <span>

#include "imago/models/qwen2/qwen2.h"
#include "imago/nn/activations.h"
#include "imago/nn/image_text_to_text.h"
#include "imago/nn/registry.h"

namespace imago::qwen2_vl {

struct Qwen2VLVisionConfig : Config {
  static constexpr const char* kModelType = "qwen2_vl_vision";
  int64_t depth = 32, embed_dim = 1280, hidden_size = 3584, mlp_ratio = 4, num_heads = 16;
  std::string hidden_act = "quick_gelu";
  int64_t in_channels = 3, patch_size = 14, spatial_merge_size = 2, temporal_patch_size = 2;
  JsonText rope_parameters;
  JsonText in_chans, spatial_patch_size;  // older names of values that the reference does not read
  FIELDS_AND(Config, depth, embed_dim, hidden_size, mlp_ratio, num_heads, hidden_act, in_channels, patch_size,
             spatial_merge_size, temporal_patch_size, rope_parameters, in_chans, spatial_patch_size)

  void validate() const override;
  int64_t patch_values() const { return in_channels * temporal_patch_size * patch_size * patch_size; }
  double rope_theta() const;
};

struct Qwen2VLTextConfig : qwen2::Qwen2Config {
  static constexpr const char* kModelType = "qwen2_vl_text";
  Qwen2VLTextConfig();
  // How many pairs of channels turn by the position in time, height and width, and so on.
  std::vector<int64_t> mrope_section() const;
};
nn::RotaryConfig rotary_config(const Qwen2VLTextConfig& c);

// Files of the Hub have the text's configuration outside.
struct Qwen2VLConfig : Qwen2VLTextConfig {
  static constexpr const char* kModelType = "qwen2_vl";
  JsonText text_config, vision_config;
  int64_t image_token_id = 151655, video_token_id = 151656;
  JsonText vision_start_token_id, vision_end_token_id, vision_token_id;  // marks that are not looked for
  FIELDS_AND(Qwen2VLTextConfig, text_config, vision_config, image_token_id, video_token_id, vision_start_token_id,
             vision_end_token_id, vision_token_id)

  void validate() const override;
  Qwen2VLTextConfig text() const;
  Qwen2VLVisionConfig vision() const;
};

struct VisionAttention : Module {
  nn::Linear qkv, proj;
  FIELDS(qkv, proj)

  explicit VisionAttention(const Qwen2VLVisionConfig& c);
  // Patches see those of their own picture, or moment of a video, of which `sizes` counts them.
  Tensor operator()(const Tensor& x_ND, const nn::RotaryAngles& angles, std::span<const int64_t> sizes) const;

  int64_t heads;
};

struct VisionMLP : Module {
  nn::Linear fc1, fc2;
  nn::Activation activation;
  FIELDS(fc1, fc2)

  explicit VisionMLP(const Qwen2VLVisionConfig& c);
  Tensor operator()(const Tensor& x) const { return fc2(activation(fc1(x))); }
};

struct VisionBlock : Module {
  nn::LayerNorm norm1, norm2;
  VisionAttention attn;
  VisionMLP mlp;
  FIELDS(norm1, norm2, attn, mlp)

  explicit VisionBlock(const Qwen2VLVisionConfig& c);
  Tensor operator()(const Tensor& x_ND, const nn::RotaryAngles& angles, std::span<const int64_t> sizes) const {
    const Tensor h_ND = x_ND + attn(norm1(x_ND), angles, sizes);
    return h_ND + mlp(norm2(h_ND));
  }
};

// The vectors of a square of patches as one.
struct PatchMerger : Module {
  nn::LayerNorm ln_q;
  nn::Linear first, last;
  void each_field(FieldVisitor& visitor);

  explicit PatchMerger(const Qwen2VLVisionConfig& c);
  Tensor operator()(const Tensor& x_ND) const;
};

struct VisionTransformer : Module {
  Tensor patch_embed;  // [D, channels, time, height, width], whole patches, and so a matrix
  std::vector<VisionBlock> blocks;
  PatchMerger merger;
  void each_field(FieldVisitor& visitor);

  explicit VisionTransformer(const Qwen2VLVisionConfig& c);
  // Patches [N, P] of pictures or videos with these grids; hidden states as `in` says.
  ImageFeaturesOutput operator()(const Tensor& patches_NP, const Tensor& grid_thw,
                                 const ImageTextToTextInputs& in) const;

  Qwen2VLVisionConfig config;
};

// Qwen2 whose tokens have a position in time, height and width.
struct Qwen2VLTextModel : nn::RotaryDecoder<Qwen2VLTextConfig, nn::PreNormLayer<qwen2::Attention, qwen2::MLP>> {
  using RotaryDecoder::RotaryDecoder;

 protected:
  nn::RotaryAngles angles(const TextInputs& in, const Tensor& x_BTD) const override;
};

struct Qwen2VLModel : nn::Backbone<Qwen2VLConfig, ImageTextModelBase> {
  VisionTransformer visual;
  Qwen2VLTextModel language_model;
  FIELDS(visual, language_model)

  explicit Qwen2VLModel(const Qwen2VLConfig& c) : Backbone(c), visual(c.vision()), language_model(c.text()) {}
  WeightMap weight_map() const override;
  const TextModel& text_model() const override { return language_model; }
  int64_t image_token() const override { return config().image_token_id; }
  ImageFeaturesOutput image_features(const ImageTextToTextInputs& in) const override {
    return visual(in.pixel_values, in.image_grid_thw, in);
  }
  int64_t video_token() const override { return config().video_token_id; }
  ImageFeaturesOutput video_features(const ImageTextToTextInputs& in) const override {
    return visual(in.pixel_values_videos, in.video_grid_thw, in);
  }
  Tensor prompt_positions(const ImageTextToTextInputs& in) const override;
  ImageTextToTextOutput forward(const ImageTextToTextInputs& in) const override;
};

using Qwen2VLForConditionalGeneration = nn::ForImageTextToText<Qwen2VLModel>;

}  // namespace imago::qwen2_vl
