// Marian (Junczys-Dowmunt et al. 2018, "Marian: Fast Neural Machine Translation in C++"; the models are those of
// Tiedemann and Thottingal 2020, "OPUS-MT").
#pragma once

#include "imago/nn/default_dropout.h"
#include "imago/nn/encoder_decoder_stack.h"
#include "imago/nn/heads/biased_language_model.h"

namespace imago::marian {

struct MarianConfig : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "marian";
  int64_t vocab_size = 58101, max_position_embeddings = 1024, d_model = 1024;
  std::optional<int64_t> decoder_vocab_size;
  int64_t encoder_layers = 12, encoder_ffn_dim = 4096, encoder_attention_heads = 16;
  int64_t decoder_layers = 12, decoder_ffn_dim = 4096, decoder_attention_heads = 16;
  std::string activation_function = "gelu";
  bool scale_embedding = false, share_encoder_decoder_embeddings = true, is_decoder = false;
  // What early files say of other models of that code; Marian is as it is whatever they say.
  JsonText add_bias_logits, add_final_layer_norm, normalize_before, normalize_embedding, static_position_embeddings,
      extra_pos_embeddings, force_bos_token_to_be_generated, num_hidden_layers;
  FIELDS_AND(Config, vocab_size, max_position_embeddings, d_model, decoder_vocab_size, encoder_layers, encoder_ffn_dim,
             encoder_attention_heads, decoder_layers, decoder_ffn_dim, decoder_attention_heads, activation_function,
             scale_embedding, share_encoder_decoder_embeddings, is_decoder, add_bias_logits, add_final_layer_norm,
             normalize_before, normalize_embedding, static_position_embeddings, extra_pos_embeddings,
             force_bos_token_to_be_generated, num_hidden_layers)

  MarianConfig();
  void validate() const override;
  nn::StackOptions stack(bool decodes) const;
  // Words that the decoder reads, and those it has scores for.
  int64_t decoder_words() const { return decoder_vocab_size.value_or(vocab_size); }
  int64_t target_words() const { return share_encoder_decoder_embeddings ? vocab_size : decoder_words(); }
  std::vector<nn::DroppedByDefault> dropped_by_default() const override { return {{"dropout", 0.1}}; }
};

// Sinusoidal positions, which some checkpoints have as a table.
struct Stack : nn::EncoderDecoderStack {
  nn::Embedding embed_positions;
  FIELDS_AND(EncoderDecoderStack, embed_positions)

  Stack(const MarianConfig& c, bool is_decoder);
  BaseModelOutput operator()(const TextInputs& in) const;

 private:
  nn::Embedding computed_;
};

struct MarianModel : nn::EncoderDecoder<MarianConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "decoder.embed_tokens.weight";
  nn::Embedding shared;  // where there is one table of words for both
  Stack encoder, decoder;
  FIELDS(shared, encoder, decoder)

  explicit MarianModel(const MarianConfig& c);
  WeightMap weight_map() const override;
  BaseModelOutput encode(const TextInputs& in) const override { return encoder(in); }
  BaseModelOutput decode(const TextInputs& in) const override { return decoder(in); }
};

// Its scores are of the words that the decoder reads.
struct MarianMTModel : nn::ForBiasedGeneration<MarianModel> {
  explicit MarianMTModel(const MarianConfig& c);
};

struct MarianDecoder : nn::DecoderOnly<MarianConfig, Stack> {
  using DecoderOnly::DecoderOnly;
  WeightMap weight_map() const override;
};

using MarianForCausalLM = nn::DecoderOnlyLM<MarianDecoder>;

}  // namespace imago::marian
