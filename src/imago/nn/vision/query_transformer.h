// Layers in which learned queries look at a picture (Carion et al. 2020, "End-to-End Object Detection with
// Transformers"; Cheng et al. 2021, "Masked-attention Mask Transformer for Universal Image Segmentation"). B batch,
// N places of a picture's map, Q queries, D hidden.
#pragma once

#include <string>

#include "imago/nn/activations.h"
#include "imago/nn/attention.h"
#include "imago/nn/layers.h"
#include "imago/nn/packed_attention.h"

namespace imago::nn {

struct QueryLayerOptions {
  int64_t hidden_size = 0, heads = 0, inner_size = 0;
  std::string activation;
  double dropout = 0, activation_dropout = 0;  // in training; attention's is AttentionDropout
  bool pre_norm = false;                       // of MaskedQueryLayer: normalised before each part instead of after it
};

// Queries and keys come with their places added, values without.
struct PlacedAttention : Module {
  Linear q_proj, k_proj, v_proj, o_proj;
  int64_t heads;
  FIELDS(q_proj, k_proj, v_proj, o_proj)

  PlacedAttention(int64_t hidden_size, int64_t head_count);
  Tensor operator()(const Tensor& query, const Tensor& key, const Tensor& value, const AttentionContext& context) const;
};

struct QueryFeedForward : Module {
  Linear fc1, fc2;
  Activation activation;
  double dropped, inner_dropped;
  FIELDS(fc1, fc2)

  explicit QueryFeedForward(const QueryLayerOptions& o);
  Tensor operator()(const Tensor& x) const;
};

// Of the encoder: the places of the map attend to one another.
struct PlacedEncoderLayer : Module {
  PlacedAttention self_attn;
  LayerNorm self_attn_layer_norm, final_layer_norm;
  QueryFeedForward mlp;
  double dropped;
  FIELDS(self_attn, self_attn_layer_norm, mlp, final_layer_norm)

  explicit PlacedEncoderLayer(const QueryLayerOptions& o);
  Tensor operator()(const Tensor& x_BND, const Tensor& places_BND, const AttentionContext& context) const;
};

// Of the decoder: queries attend to one another, then to the map.
struct PlacedDecoderLayer : Module {
  PlacedAttention self_attn, encoder_attn;
  LayerNorm self_attn_layer_norm, encoder_attn_layer_norm, final_layer_norm;
  QueryFeedForward mlp;
  double dropped;
  FIELDS(self_attn, self_attn_layer_norm, encoder_attn, encoder_attn_layer_norm, mlp, final_layer_norm)

  explicit PlacedDecoderLayer(const QueryLayerOptions& o);
  // `keys` are the map with its places, `values` without.
  Tensor operator()(const Tensor& x_BQD, const Tensor& queries_1QD, const Tensor& keys_BND, const Tensor& values_BND,
                    const DecoderContext& context) const;
};

// The other way around: queries attend to the map, where the context's mask lets them, then to one another. It drops
// nothing.
struct MaskedQueryLayer : Module {
  PlacedAttention self_attn;
  PackedAttention cross_attn;
  LayerNorm self_attn_layer_norm, cross_attn_layer_norm, final_layer_norm;
  QueryFeedForward mlp;
  bool pre_norm;
  void each_field(FieldVisitor& visitor);

  explicit MaskedQueryLayer(const QueryLayerOptions& o);
  Tensor operator()(const Tensor& x_BQD, const Tensor& queries_1QD, const Tensor& keys_BND, const Tensor& values_BND,
                    const DecoderContext& context) const;
};

}  // namespace imago::nn
