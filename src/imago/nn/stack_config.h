// The configuration of an encoder and a decoder, with BART's names.
#pragma once

#include "imago/nn/encoder_decoder_stack.h"

namespace imago::nn {

struct StackConfig : Config {
  int64_t d_model = 0;
  int64_t encoder_layers = 0, encoder_attention_heads = 0, encoder_ffn_dim = 0;
  int64_t decoder_layers = 0, decoder_attention_heads = 0, decoder_ffn_dim = 0;
  std::string activation_function = "gelu";
  double dropout = 0, attention_dropout = 0, activation_dropout = 0;
  FIELDS_AND(Config, d_model, encoder_layers, encoder_attention_heads, encoder_ffn_dim, decoder_layers,
             decoder_attention_heads, decoder_ffn_dim, activation_function, dropout, attention_dropout,
             activation_dropout)

  StackConfig() { is_encoder_decoder = true; }
  void validate() const override {
    require_heads("d_model", d_model, "encoder_attention_heads", encoder_attention_heads);
    require_heads("d_model", d_model, "decoder_attention_heads", decoder_attention_heads);
  }
  // Of the encoder, or of the decoder, with what both share.
  StackOptions stack_options(bool decodes) const {
    return {.decodes = decodes,
            .hidden_size = d_model,
            .layers = decodes ? decoder_layers : encoder_layers,
            .heads = decodes ? decoder_attention_heads : encoder_attention_heads,
            .intermediate_size = decodes ? decoder_ffn_dim : encoder_ffn_dim,
            .activation = activation_function,
            .dropout = dropout,
            .attention_dropout = attention_dropout,
            .activation_dropout = activation_dropout};
  }
};

// The same over words, with the sizes that BART and its kin have where config.json says nothing.
struct TextStackConfig : StackConfig {
  int64_t vocab_size = 0, max_position_embeddings = 1024;
  bool scale_embedding = false;
  FIELDS_AND(StackConfig, vocab_size, max_position_embeddings, scale_embedding)

  TextStackConfig() {
    d_model = 1024;
    encoder_layers = decoder_layers = 12;
    encoder_attention_heads = decoder_attention_heads = 16;
    encoder_ffn_dim = decoder_ffn_dim = 4096;
    dropout = 0.1;
  }
  StackOptions stack(bool decodes) const {
    StackOptions options = stack_options(decodes);
    options.vocab_size = vocab_size;
    options.scale_embedding = scale_embedding;
    options.padding_idx = pad_token_id;
    return options;
  }
};

}  // namespace imago::nn
