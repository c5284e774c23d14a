// T5 (Raffel et al. 2019, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer").
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/attention.h"
#include "imago/nn/layers.h"
#include "imago/nn/model.h"

namespace imago::t5 {

struct T5Config : Config {
  static constexpr const char* kModelType = "t5";
  int64_t vocab_size = 32128, d_model = 512, d_kv = 64, d_ff = 2048, num_layers = 6, num_heads = 8;
  std::optional<int64_t> num_decoder_layers;
  int64_t relative_attention_num_buckets = 32, relative_attention_max_distance = 128;
  double layer_norm_epsilon = 1e-6;
  std::string feed_forward_proj = "relu";  // "gelu", or "gated-gelu" for a gated unit
  std::optional<std::string> dense_act_fn;
  std::optional<bool> is_gated_act, scale_decoder_outputs;
  bool is_decoder = false;
  std::optional<int64_t> n_positions;  // of old files; relative positions know no limit
  FIELDS_AND(Config, vocab_size, d_model, d_kv, d_ff, num_layers, num_heads, num_decoder_layers,
             relative_attention_num_buckets, relative_attention_max_distance, layer_norm_epsilon, feed_forward_proj,
             dense_act_fn, is_gated_act, scale_decoder_outputs, is_decoder, n_positions)

  T5Config();
  void validate() const override;
  bool is_gated() const { return is_gated_act.value_or(feed_forward_proj.starts_with("gated-")); }
  std::string activation() const;
  // The first version scales what the decoder gives to the head; untied weights are the mark of 1.1, which does not.
  bool scales_decoder_outputs() const { return scale_decoder_outputs.value_or(tie_word_embeddings); }
};

// Whether a stack attends to the left only, and to an encoder.
enum class StackKind { kEncoder, kDecoder };

// Attention without a scale, the distance between query and key being told by a bias per head.
struct Attention : Module {
  nn::Linear q, k, v, o;
  nn::Embedding relative_attention_bias;  // in the first layer of a stack only
  FIELDS(q, k, v, o, relative_attention_bias)

  Attention(const T5Config& c, int64_t layer, bool with_relative_bias);
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const;
  // To an encoder's output y [B, S, D], whose keys and values are computed once.
  Tensor cross(const Tensor& x_BTD, const Tensor& y_BSD, const nn::AttentionContext& context) const;

  int64_t heads, layer_index;

 private:
  Tensor attend(const Tensor& x_BTD, const KeysValues& all, const nn::AttentionContext& context) const;
};

struct SelfAttentionLayer : Module {
  Attention SelfAttention;
  nn::RMSNorm layer_norm;
  FIELDS(SelfAttention, layer_norm)

  SelfAttentionLayer(const T5Config& c, int64_t layer);
};

struct CrossAttentionLayer : Module {
  Attention EncDecAttention;
  nn::RMSNorm layer_norm;
  FIELDS(EncDecAttention, layer_norm)

  CrossAttentionLayer(const T5Config& c, int64_t layer);
};

// wo(activation(wi x)), or gated wo(activation(wi_0 x) wi_1 x).
struct DenseReluDense : Module {
  nn::Linear wi, wi_0, wi_1, wo;
  FIELDS(wi, wi_0, wi_1, wo)

  explicit DenseReluDense(const T5Config& c);
  Tensor operator()(const Tensor& x_BTD) const;

  std::string activation;
};

struct FeedForwardLayer : Module {
  t5::DenseReluDense DenseReluDense;
  nn::RMSNorm layer_norm;
  FIELDS(DenseReluDense, layer_norm)

  explicit FeedForwardLayer(const T5Config& c);
};

// What every layer of a stack gets beside its input.
struct StackContext {
  nn::AttentionContext self, cross;
  Tensor encoder_hidden_states;  // undefined in an encoder
};

struct Block : Module {
  SelfAttentionLayer self_attention;
  std::optional<CrossAttentionLayer> cross_attention;
  FeedForwardLayer feed_forward;
  void each_field(FieldVisitor& visitor);  // as "layer.0", "layer.1", ...

  Block(const T5Config& c, StackKind kind, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const StackContext& context) const;
};

struct Stack : Module {
  nn::Embedding embed_tokens;
  std::vector<Block> block;
  nn::RMSNorm final_layer_norm;
  FIELDS(embed_tokens, block, final_layer_norm)

  Stack(const T5Config& c, StackKind stack_kind);
  BaseModelOutput operator()(const TextInputs& in) const;

 private:
  Tensor position_bias(int64_t past, int64_t tokens) const;

  StackKind kind_;
  int64_t max_distance_;
};

// The bucket of a key at `distance` (its position less the query's). Half of the buckets are for one distance each, the
// others grow with its logarithm up to max_distance; an encoder has as many for either side. Equal to the reference's
// float32 arithmetic, also where a logarithm falls on the edge of two buckets.
int64_t relative_position_bucket(int64_t distance, bool bidirectional, int64_t num_buckets, int64_t max_distance);

}  // namespace imago::t5
