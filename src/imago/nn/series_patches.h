// Patches of a series in the place of words. B batch, T steps, C channels, N patches, L steps of a patch, D hidden.
#pragma once

#include <string_view>
#include <vector>

#include "imago/nn/layers.h"
#include "imago/nn/vision/convolution_layers.h"

namespace imago::nn {

// The last whole patches of `length` steps, each `stride` behind the one before: [B, T, C] -> [B, C, N, L].
Tensor series_patches(const Tensor& x_BTC, int64_t length, int64_t stride);

// "layernorm" is over the last dimension, "batchnorm" by what training saw of each of its numbers.
struct PatchNorm : Module {
  LayerNorm layer_norm;
  BatchNorm2d batchnorm;
  void each_field(FieldVisitor& visitor);

  PatchNorm(std::string_view type, int64_t size, double eps);
  Tensor operator()(const Tensor& x) const;  // [..., tokens, D]
};

// A layer for each of `channels`, or one for all where that is 0: [B, C, N, L] -> [B, C, N, D].
struct PatchEmbedder : Module {
  std::vector<Linear> input_embedding;
  void each_field(FieldVisitor& visitor);

  PatchEmbedder(int64_t channels, int64_t patch_length, int64_t size);
  Tensor operator()(const Tensor& patches_BCNL) const;

  bool shared;
};

// Learned positions, with a token in front where the model has one: [B, C, N, D] -> [B, C, N or N + 1, D].
struct PatchPositions : Module {
  Tensor cls_token, position_enc;
  FIELDS(cls_token, position_enc)

  PatchPositions(int64_t patches, int64_t size, bool use_cls_token);
  // Training drops `dropped` of what has positions, but for the token in front.
  Tensor operator()(const Tensor& x_BCND, double dropped = 0) const;
};

}  // namespace imago::nn
