// An encoder whose attention knows distances (Shaw et al. 2018, "Self-Attention with Relative Position
// Representations"), and a decoder beside it, norms behind the layers. B batch, T tokens, D hidden.
#pragma once

#include <string>
#include <vector>

#include "imago/nn/multi_head_attention.h"
#include "imago/nn/speech_frames.h"

namespace imago::nn {

struct RelativeStackOptions {
  int64_t hidden_size = 0, layers = 0, heads = 0, intermediate_size = 0;
  std::string activation = "gelu";
  double eps = 1e-5;
  int64_t max_distance = 0;  // of the encoder: beyond it distances count alike
  SpeechDropout dropout = {};
};

struct RelativePositions : Module {
  Embedding pe_k;  // of distances from -max_distance to max_distance - 1
  FIELDS(pe_k)
};

struct RelativeEncoderLayer : Module {
  MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj"> attention;
  LayerNorm layer_norm, final_layer_norm;
  SpeechFeedForward feed_forward;
  FIELDS(attention, layer_norm, feed_forward, final_layer_norm)

  explicit RelativeEncoderLayer(const RelativeStackOptions& o);
  Tensor operator()(const Tensor& x_BTD, AttentionContext context, const Embedding& distance_table) const;

  double dropped;
};

struct RelativeEncoder : Module {
  LayerNorm layer_norm;
  std::vector<RelativeEncoderLayer> layers;
  RelativePositions embed_positions;
  FIELDS(layer_norm, layers, embed_positions)

  explicit RelativeEncoder(const RelativeStackOptions& o);
  // mask bool [B, T], or undefined; `asked` says what is to be recorded.
  BaseModelOutput operator()(const Tensor& x_BTD, const Tensor& mask, const TextInputs& asked) const;

  SpeechDropout dropped;
};

struct CrossAttendingLayer : Module {
  MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj"> self_attn, encoder_attn;
  LayerNorm self_attn_layer_norm, encoder_attn_layer_norm, final_layer_norm;
  SpeechFeedForward feed_forward;
  FIELDS(self_attn, self_attn_layer_norm, encoder_attn, encoder_attn_layer_norm, feed_forward, final_layer_norm)

  CrossAttendingLayer(const RelativeStackOptions& o, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const DecoderContext& context) const;

  double dropped;
};

struct CrossAttendingDecoder : Module {
  std::vector<CrossAttendingLayer> layers;
  FIELDS(layers)

  explicit CrossAttendingDecoder(const RelativeStackOptions& o);
  // The inputs say what it attends to, and its mask and cache.
  BaseModelOutput operator()(Tensor x_BTD, const TextInputs& in) const;

  SpeechDropout dropped;
};

}  // namespace imago::nn
