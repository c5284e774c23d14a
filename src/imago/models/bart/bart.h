// BART (Lewis et al. 2019, "BART: Denoising Sequence-to-Sequence Pre-training for Natural Language Generation,
// Translation, and Comprehension").
#pragma once

#include "imago/nn/default_dropout.h"
#include "imago/nn/encoder_decoder_stack.h"
#include "imago/nn/heads/biased_language_model.h"
#include "imago/nn/heads/classification.h"

namespace imago::bart {

struct BartConfig : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "bart";
  int64_t vocab_size = 50265, max_position_embeddings = 1024, d_model = 1024;
  int64_t encoder_layers = 12, encoder_ffn_dim = 4096, encoder_attention_heads = 16;
  int64_t decoder_layers = 12, decoder_ffn_dim = 4096, decoder_attention_heads = 16;
  std::string activation_function = "gelu";
  bool scale_embedding = false, is_decoder = false;
  // What early files say of other models of that code; BART is as it is whatever they say.
  JsonText add_bias_logits, add_final_layer_norm, normalize_before, normalize_embedding, static_position_embeddings,
      extra_pos_embeddings, force_bos_token_to_be_generated, num_hidden_layers;
  FIELDS_AND(Config, vocab_size, max_position_embeddings, d_model, encoder_layers, encoder_ffn_dim,
             encoder_attention_heads, decoder_layers, decoder_ffn_dim, decoder_attention_heads, activation_function,
             scale_embedding, is_decoder, add_bias_logits, add_final_layer_norm, normalize_before, normalize_embedding,
             static_position_embeddings, extra_pos_embeddings, force_bos_token_to_be_generated, num_hidden_layers)

  BartConfig();
  void validate() const override;
  nn::StackOptions stack(bool decodes) const;
  std::vector<nn::DroppedByDefault> dropped_by_default() const override { return {{"dropout", 0.1}}; }
};

// Learned positions, with two rows before the first; the sum with the words is normalised.
struct Stack : nn::EncoderDecoderStack {
  nn::Embedding embed_positions;
  nn::LayerNorm layernorm_embedding;
  FIELDS_AND(EncoderDecoderStack, embed_positions, layernorm_embedding)

  Stack(const BartConfig& c, bool is_decoder);
  BaseModelOutput operator()(const TextInputs& in) const;
};

// Where the decoder has no input and there are no labels, its input is the encoder's, moved right.
struct BartModel : nn::SharedEncoderDecoder<BartConfig, Stack> {
  using SharedEncoderDecoder::SharedEncoderDecoder;
  Seq2SeqOutput forward(const TextInputs& in) const override { return nn::encode_and_decode(*this, in, in.input_ids); }
};

struct BartForConditionalGeneration : nn::ForBiasedGeneration<BartModel> {
  static constexpr const char* kOtherAutoClass = PreTraining::kAutoClass;
  using ForBiasedGeneration::ForBiasedGeneration;
  Seq2SeqOutput forward(const TextInputs& in) const override;
};

using BartForCausalLM = nn::DecoderOnlyLM<nn::DecoderOnly<BartConfig, Stack>>;
using BartForSequenceClassification = nn::Seq2SeqForSequenceClassification<BartModel, nn::ClassificationHead>;
using BartForQuestionAnswering = nn::Seq2SeqForQuestionAnswering<BartModel>;

}  // namespace imago::bart
