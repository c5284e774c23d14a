// T5 (Raffel et al. 2019, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer").
#pragma once

#include <cmath>

#include "imago/nn/activations.h"
#include "imago/nn/dropout.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/sequence_to_sequence.h"
#include "imago/nn/keep_finite.h"
#include "imago/nn/multi_head_attention.h"
#include "imago/nn/word_table.h"
#include "imago/ops/operators.h"

namespace imago::t5 {

struct T5Config : Config, nn::DropsBeforeHead {
  static constexpr const char* kModelType = "t5";
  int64_t vocab_size = 32128, d_model = 512, d_kv = 64, d_ff = 2048, num_layers = 6, num_heads = 8;
  std::optional<int64_t> num_decoder_layers;
  int64_t relative_attention_num_buckets = 32, relative_attention_max_distance = 128;
  double layer_norm_epsilon = 1e-6;
  std::string feed_forward_proj = "relu";  // "gelu", or "gated-gelu" for a gated unit
  std::optional<std::string> dense_act_fn;
  std::optional<bool> is_gated_act, scale_decoder_outputs;
  bool is_decoder = false;
  double dropout_rate = 0.1, classifier_dropout = 0;
  FIELDS_AND(Config, vocab_size, d_model, d_kv, d_ff, num_layers, num_heads, num_decoder_layers,
             relative_attention_num_buckets, relative_attention_max_distance, layer_norm_epsilon, feed_forward_proj,
             dense_act_fn, is_gated_act, scale_decoder_outputs, is_decoder, dropout_rate, classifier_dropout)

  T5Config() {
    is_encoder_decoder = true;
    pad_token_id = 0;
    eos_token_id = {1};
  }
  void validate() const override;
  bool is_gated() const { return is_gated_act.value_or(feed_forward_proj.starts_with("gated-")); }
  std::string activation() const;
  double head_dropout() const override { return classifier_dropout; }
  // The first version scales what the decoder gives to the head; untied weights are the mark of 1.1, which does not.
  bool scales_decoder_outputs() const { return scale_decoder_outputs.value_or(tie_word_embeddings); }
};

// Attention without a scale, the distance between query and key being told by a bias per head.
struct Attention : nn::MultiHeadAttention<"q", "k", "v", "o"> {
  nn::Embedding relative_attention_bias;  // in the first layer of a stack only, for all of them
  FIELDS_AND(MultiHeadAttention, relative_attention_bias)

  Attention(const T5Config& c, int64_t layer_index, bool with_relative_bias)
      : MultiHeadAttention({c.d_model, c.num_heads, c.d_kv, layer_index, /*bias=*/false, /*scale=*/1.0}) {
    if (with_relative_bias) relative_attention_bias = nn::Embedding(c.relative_attention_num_buckets, c.num_heads);
  }
};

// wo(activation(wi x)), or gated wo(activation(wi_0 x) wi_1 x).
struct DenseReluDense : Module {
  nn::Linear wi, wi_0, wi_1, wo;
  FIELDS(wi, wi_0, wi_1, wo)

  explicit DenseReluDense(const T5Config& c)
      : wo(c.d_ff, c.d_model, false), activation(c.activation()), dropped(c.dropout_rate) {
    nn::activation(activation);  // a name that is unknown is told now
    (c.is_gated() ? wi_0 : wi) = nn::Linear(c.d_model, c.d_ff, false);
    if (c.is_gated()) wi_1 = wi_0;
  }
  Tensor operator()(const Tensor& x_BTD) const;

  std::string activation;
  double dropped;
};

// x + body(layer_norm(x))
template <class Body, nn::FieldName name>
struct Residual : Module {
  Body body;
  nn::RMSNorm layer_norm;

  template <class... Arguments>
  explicit Residual(const T5Config& c, Arguments... arguments)
      : body(c, arguments...), layer_norm(c.d_model, c.layer_norm_epsilon), dropped(c.dropout_rate) {}
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, name, body);
    imago::internal::visit_field(visitor, "layer_norm", layer_norm);
  }
  template <class... Context>
  Tensor operator()(const Tensor& x_BTD, const Context&... context) const {
    return nn::keep_finite(nn::add_wider(x_BTD, nn::dropout(body(layer_norm(x_BTD), context...), dropped)));
  }

  double dropped;
};

// Whether a stack attends to the left only, and to an encoder.
enum class StackKind { kEncoder, kDecoder };

struct Block : Module {
  Residual<Attention, "SelfAttention"> self_attention;
  std::optional<Residual<Attention, "EncDecAttention">> cross_attention;
  Residual<DenseReluDense, "DenseReluDense"> feed_forward;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, "layer.0", self_attention);
    if (cross_attention) imago::internal::visit_field(visitor, "layer.1", *cross_attention);
    imago::internal::visit_field(visitor, cross_attention ? "layer.2" : "layer.1", feed_forward);
  }

  Block(const T5Config& c, StackKind kind, int64_t layer) : self_attention(c, layer, layer == 0), feed_forward(c) {
    if (kind == StackKind::kDecoder) cross_attention.emplace(c, layer, false);
  }
  Tensor operator()(const Tensor& x_BTD, const nn::DecoderContext& context) const {
    Tensor h_BTD = self_attention(x_BTD, context.self);
    if (context.has_encoder()) h_BTD = (*cross_attention)(h_BTD, context.cross);
    return feed_forward(h_BTD);
  }
};

struct Stack : Module {
  nn::Embedding embed_tokens;
  std::vector<Block> block;
  nn::RMSNorm final_layer_norm;
  FIELDS(embed_tokens, block, final_layer_norm)

  Stack(const T5Config& c, StackKind stack_kind);
  BaseModelOutput operator()(const TextInputs& in) const;

  StackKind kind;
  int64_t max_distance;
  double dropped;
};

struct T5Model : nn::EncoderDecoder<T5Config> {
  static constexpr nn::FieldName kBaseModelPrefix = "transformer";
  static constexpr const char* kInputEmbeddings = "shared.weight";
  nn::Embedding shared;
  Stack encoder;
  std::optional<Stack> decoder;
  FIELDS(shared, encoder, decoder)

  explicit T5Model(const T5Config& c)
      : EncoderDecoder(c),
        shared(c.vocab_size, c.d_model),
        encoder(c, StackKind::kEncoder),
        decoder(Stack(c, StackKind::kDecoder)) {}
  WeightMap weight_map() const override;
  BaseModelOutput encode(const TextInputs& in) const override { return encoder(in); }
  BaseModelOutput decode(const TextInputs& in) const override { return (*decoder)(in); }
};

// Tied whatever tie_word_embeddings says: version 1.1, which says no, has another matrix in its checkpoints, and what a
// checkpoint has is kept.
struct LMHead : nn::LMHead {
  explicit LMHead(const T5Config& c) : nn::LMHead(c), scaled(c.scales_decoder_outputs()) { tied = true; }
  Tensor operator()(const Tensor& x_BTD) const {
    return Linear::operator()(scaled ? x_BTD*(1 / std::sqrt(static_cast<double>(x_BTD.size(2)))) : x_BTD);
  }

  bool scaled;
};

using T5EncoderModel = nn::EncoderOnly<T5Model>;
struct T5ForConditionalGeneration : nn::ForConditionalGeneration<T5Model, LMHead, "lm_head", "">, nn::WordTable {
  static constexpr const char* kOtherAutoClass = PreTraining::kAutoClass;
  using nn::ForConditionalGeneration<T5Model, LMHead, "lm_head", "">::ForConditionalGeneration;
  const nn::Embedding& word_embeddings() const override { return base.shared; }
  std::string word_embeddings_name() const override { return "shared.weight"; }
};
using T5ForQuestionAnswering = nn::Seq2SeqForQuestionAnswering<T5Model, "qa_outputs", "">;
using T5ForSequenceClassification = nn::Seq2SeqForSequenceClassification<T5Model, nn::ClassificationHead>;
using T5ForTokenClassification = nn::ForTokenClassification<T5EncoderModel>;

}  // namespace imago::t5
