// What ViT and those that are built like it share (Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words"). B batch,
// N patches, T tokens (N and those beside them), D hidden.
#pragma once

#include "imago/nn/config.h"
#include "imago/nn/dropout.h"
#include "imago/nn/pre_norm_layer.h"
#include "imago/nn/vision/patches.h"

namespace imago::nn {

struct PatchTransformerConfig : Config {
  int64_t hidden_size = 768, num_hidden_layers = 12, num_attention_heads = 12, num_channels = 3;
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-12, hidden_dropout_prob = 0, attention_probs_dropout_prob = 0;
  std::vector<int64_t> image_size = {224}, patch_size = {16};
  bool qkv_bias = true;
  int64_t intermediate_size = 3072;  // a field of those that do not say it otherwise
  FIELDS_AND(Config, hidden_size, num_hidden_layers, num_attention_heads, num_channels, hidden_act, layer_norm_eps,
             hidden_dropout_prob, attention_probs_dropout_prob, image_size, patch_size, qkv_bias)

  void validate() const override;
  Extent image() const { return extent(image_size, "image_size"); }
  Extent patch() const { return extent(patch_size, "patch_size"); }
  Extent grid() const { return patch_grid(image(), patch()); }
  PreNormOptions layer_options() const;
};

struct PatchEmbeddings : Module {
  Conv2d projection;
  FIELDS(projection)

  explicit PatchEmbeddings(const PatchTransformerConfig& c);
  Tensor operator()(const ImageInputs& in) const;  // [B, N, D]
};

// The patches behind the class token, and perhaps a second one of distillation, with learned positions.
struct PatchTokens : Module {
  Tensor cls_token, distillation_token, mask_token, position_embeddings;
  PatchEmbeddings patch_embeddings;
  FIELDS(cls_token, distillation_token, mask_token, position_embeddings, patch_embeddings)

  // The mask token stands for hidden patches.
  PatchTokens(const PatchTransformerConfig& c, bool with_mask_token, bool with_distillation_token = false);
  // [B, T, D]. Throws Error kInvalidArgument for a picture of another size, unless the inputs ask for interpolation.
  Tensor operator()(const ImageInputs& in) const;

  Extent image, patch;
  double dropped;
};

// Files have the names of BERT's layers.
using PatchTransformerLayer =
    PreNormLayer<"attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj", "layernorm_before",
                 "layernorm_after", "mlp.fc1", "mlp.fc2">;
// How those names become ours: of attention, where the list of layers is `layers`; and of all, where it is "layers".
std::vector<WeightRule> patch_attention_rules(const std::string& layers);
std::vector<WeightRule> patch_layer_rules();

}  // namespace imago::nn
