// M2M-100 (Fan et al. 2020, "Beyond English-Centric Multilingual Machine Translation") and NLLB (NLLB Team 2022, "No
// Language Left Behind").
#pragma once

#include "imago/nn/default_dropout.h"
#include "imago/nn/encoder_decoder_stack.h"

namespace imago::m2m_100 {

struct M2M100Config : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "m2m_100";
  int64_t vocab_size = 128112, max_position_embeddings = 1024, d_model = 1024;
  int64_t encoder_layers = 12, encoder_ffn_dim = 4096, encoder_attention_heads = 16;
  int64_t decoder_layers = 12, decoder_ffn_dim = 4096, decoder_attention_heads = 16;
  std::string activation_function = "relu";
  bool scale_embedding = true;
  JsonText num_hidden_layers;  // of no effect: encoder_layers says it
  FIELDS_AND(Config, vocab_size, max_position_embeddings, d_model, encoder_layers, encoder_ffn_dim,
             encoder_attention_heads, decoder_layers, decoder_ffn_dim, decoder_attention_heads, activation_function,
             scale_embedding, num_hidden_layers)

  M2M100Config();
  void validate() const override;
  nn::StackOptions stack(bool decodes) const;
  std::vector<nn::DroppedByDefault> dropped_by_default() const override {
    return {{"encoder_layerdrop", 0.05}, {"decoder_layerdrop", 0.05}, {"dropout", 0.1}, {"attention_dropout", 0.1}};
  }
};

// Sinusoidal positions that begin behind pad_token_id, over what is not padding; a norm at the end.
struct Stack : nn::EncoderDecoderStack {
  nn::LayerNorm layer_norm;
  FIELDS_AND(EncoderDecoderStack, layer_norm)

  Stack(const M2M100Config& c, bool is_decoder);
  BaseModelOutput operator()(const TextInputs& in) const;

 private:
  Tensor positions(const TextInputs& in, const Tensor& x_BTD) const;
};

using M2M100Model = nn::SharedEncoderDecoder<M2M100Config, Stack>;
using M2M100ForConditionalGeneration = nn::ForConditionalGeneration<M2M100Model>;

}  // namespace imago::m2m_100
