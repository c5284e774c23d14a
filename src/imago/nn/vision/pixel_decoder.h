// From a backbone's maps to one fine map of vectors, and coarser ones that queries attend to (Cheng et al. 2021,
// "Masked-attention Mask Transformer for Universal Image Segmentation", section 3.2). B batch, N places, D hidden.
#pragma once

#include "imago/nn/vision/deformable_attention.h"

namespace imago::nn {

struct PixelDecoderOptions {
  static constexpr int64_t kLevels = 3;  // the coarsest maps, which attention is to
  std::vector<int64_t> channels;         // of the backbone's maps, the finest first
  int64_t feature_size = 0, mask_feature_size = 0, inner_size = 0, layers = 0, heads = 0;
  int64_t fine_levels = 0;  // maps finer than those of attention
};

// A convolution whose channels are normalised in groups of 32.
struct ConvNorm : Module {
  Conv2d conv;
  Tensor weight, bias;
  void each_field(FieldVisitor& visitor);

  ConvNorm(int64_t in, int64_t out, int64_t kernel, bool with_bias);
  Tensor operator()(const Tensor& x_BCHW) const;
};

struct DeformablePixelLayer : Module {
  DeformableAttention self_attn;
  LayerNorm self_attn_layer_norm, final_layer_norm;
  Linear fc1, fc2;
  FIELDS(self_attn, self_attn_layer_norm, fc1, fc2, final_layer_norm)

  explicit DeformablePixelLayer(const PixelDecoderOptions& o);
  Tensor operator()(const Tensor& x_BND, const Tensor& places_BND, const std::vector<Extent>& maps) const;
};

struct DeformablePixelDecoder : Module {
  struct Encoder : Module {
    std::vector<DeformablePixelLayer> layers;
    FIELDS(layers)
  };
  Tensor level_embed;  // [levels, D]
  std::vector<ConvNorm> input_projections;
  Encoder encoder;
  Conv2d mask_projection;
  std::vector<ConvNorm> adapters, output_convolutions;  // of the finer maps, the finest first
  void each_field(FieldVisitor& visitor);

  explicit DeformablePixelDecoder(const PixelDecoderOptions& o);
  // The maps that queries attend to, the coarsest first, and behind them the fine one.
  Tensors operator()(const Tensors& features) const;
};

}  // namespace imago::nn
