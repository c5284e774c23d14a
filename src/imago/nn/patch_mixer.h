// Mixers of patches (Ekambaram et al. 2023, "TSMixer: Lightweight MLP-Mixer Model for Multivariate Time Series
// Forecasting"): small networks along time, features and channels. B batch, C channels, N patches, D hidden.
#pragma once

#include "imago/nn/multi_head_attention.h"
#include "imago/nn/series_patches.h"

namespace imago::nn {

struct PatchMixerOptions {
  int64_t channels = 1, patches = 0, size = 0;  // C, N, D
  int64_t expansion = 2;
  bool mixes_channels = false, gated = true;
  std::string norm = "layernorm";  // see PatchNorm
  double norm_eps = 1e-5;
  int64_t attention_heads = 0;  // of attention between patches; 0 for none
  double dropout = 0;
};

struct MixerNorm : Module {
  PatchNorm norm;
  FIELDS(norm)
  explicit MixerNorm(const PatchMixerOptions& o);
  Tensor operator()(const Tensor& x_BCND) const;
};

struct MixerMLP : Module {
  Linear fc1, fc2;
  FIELDS(fc1, fc2)
  Tensor operator()(const Tensor& x) const;

  double dropped = 0;
};

struct MixerGate : Module {
  Linear attn_layer;
  FIELDS(attn_layer)
};

// Mixes what stands along the last dimension, of a given size.
struct MixerBlock : Module {
  MixerNorm norm;
  MixerMLP mlp;
  std::optional<MixerGate> gating_block;
  FIELDS(norm, mlp, gating_block)

  MixerBlock(const PatchMixerOptions& o, int64_t size);
  Tensor gated(const Tensor& x) const;
};

struct PatchMixer : MixerBlock {
  std::optional<MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj">> self_attn_layer;
  std::optional<MixerNorm> norm_attn;
  FIELDS_AND(MixerBlock, self_attn_layer, norm_attn)

  explicit PatchMixer(const PatchMixerOptions& o);
};

struct MixerLayer : Module {
  PatchMixer patch_mixer;
  MixerBlock feature_mixer;
  std::optional<MixerBlock> channel_feature_mixer;
  FIELDS(patch_mixer, feature_mixer, channel_feature_mixer)

  explicit MixerLayer(const PatchMixerOptions& o);
  Tensor operator()(const Tensor& x_BCND, const AttentionContext& context) const;

  double dropped;
};

}  // namespace imago::nn
