// The stacks of an encoder-decoder of attention, residuals and norms (Vaswani et al. 2017, "Attention Is All You
// Need"), under the names that BART and its kin have. B batch, T tokens, D hidden.
#pragma once

#include <string>

#include "imago/nn/activations.h"
#include "imago/nn/heads/sequence_to_sequence.h"
#include "imago/nn/losses.h"
#include "imago/nn/multi_head_attention.h"

namespace imago::nn {

// Of an encoder; or of a decoder, which attends to the left only, and to an encoder. A vocab_size of 0 is for a stack
// that reads something else than words.
struct StackOptions {
  bool decodes = false;
  int64_t vocab_size = 0, hidden_size = 0, layers = 0, heads = 0, intermediate_size = 0;
  std::string activation = "gelu";
  bool scale_embedding = false;  // by sqrt(hidden_size)
  bool norm_first = false;       // x + f(norm(x)), or norm(x + f(x))
  std::optional<int64_t> padding_idx;
  bool key_bias = true;
  double dropout = 0, attention_dropout = 0, activation_dropout = 0;
};

struct EncoderDecoderLayer : Module {
  using Attention = MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj">;
  Attention self_attn;
  std::optional<Attention> encoder_attn;
  LayerNorm self_attn_layer_norm, encoder_attn_layer_norm;
  Linear fc1, fc2;
  LayerNorm final_layer_norm;
  FIELDS(self_attn, encoder_attn, self_attn_layer_norm, encoder_attn_layer_norm, fc1, fc2, final_layer_norm)

  EncoderDecoderLayer(const StackOptions& o, int64_t layer);
  Tensor operator()(const Tensor& x_BTD, const DecoderContext& context) const;

  Activation activation;
  bool norm_first;
  double dropped, activation_dropped;
};

// A model adds its positions and norms.
struct EncoderDecoderStack : Module {
  Embedding embed_tokens;
  std::vector<EncoderDecoderLayer> layers;
  FIELDS(embed_tokens, layers)

  explicit EncoderDecoderStack(const StackOptions& o);
  // Of ids, scaled; embeddings that the caller gave stay as they are.
  Tensor embed_words(const TextInputs& in) const;
  // Dropout and the layers on x [B, T, D], then `last` where it has weights.
  BaseModelOutput run(Tensor x_BTD, const TextInputs& in, const LayerNorm& last = {}) const;

  bool decodes;
  double scale, dropped, attention_dropped;
};

// The positions of the tokens of x behind those of the cache, [1, T], whatever the inputs say.
Tensor positions_behind_cache(const TextInputs& in, const Tensor& x_BTD);

// The map of a model with a head, which can do without what its bare model can do without.
WeightMap with_optional(WeightMap map, const WeightMap& bare);

// Both stacks, with one table of words. Stack is made of the configuration and whether it decodes.
template <class C, class Stack>
struct SharedEncoderDecoder : EncoderDecoder<C> {
  static constexpr FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "shared.weight";
  Embedding shared;
  Stack encoder, decoder;
  FIELDS(shared, encoder, decoder)

  explicit SharedEncoderDecoder(const C& c)
      : EncoderDecoder<C>(c), shared(c.vocab_size, c.d_model, c.pad_token_id), encoder(c, false), decoder(c, true) {}
  WeightMap weight_map() const override {
    return {
        .base_model_prefix = "model",
        .ignored = {"*encoder.version", "*decoder.version"},
        .tied = {{"encoder.embed_tokens.weight", "shared.weight"}, {"decoder.embed_tokens.weight", "shared.weight"}}};
  }
  BaseModelOutput encode(const TextInputs& in) const override { return encoder(in); }
  BaseModelOutput decode(const TextInputs& in) const override { return decoder(in); }
};

// The decoder by itself, as a language model has it.
template <class C, class Stack>
struct DecoderOnly : Backbone<C> {
  static constexpr FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "decoder.embed_tokens.weight";
  Stack decoder;
  FIELDS(decoder)

  explicit DecoderOnly(const C& c) : Backbone<C>(c), decoder(c, true) {}
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput forward(const TextInputs& in) const override { return decoder(in); }
};

// Unlike elsewhere labels are of the token at their own place: the caller has moved them.
template <class Base>
struct DecoderOnlyLM : WithHead<CausalLM, Base, LMHead, "lm_head"> {
  using DecoderOnlyLM::WithHead::WithHead;
  WeightMap weight_map() const override {
    return with_optional(DecoderOnlyLM::WithHead::weight_map(), this->base.weight_map());
  }
  LogitsOutput forward(const TextInputs& in) const override {
    TextInputs unlabelled = in;
    unlabelled.labels = {};
    LogitsOutput out = causal_lm(this->base, this->head_function(), unlabelled);
    out.loss = token_loss(out.logits, in.labels);
    return out;
  }
};

}  // namespace imago::nn
