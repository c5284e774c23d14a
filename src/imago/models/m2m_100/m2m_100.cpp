// M2M-100 (Fan et al. 2020, "Beyond English-Centric Multilingual Machine Translation") and NLLB (NLLB Team 2022, "No
// Language Left Behind"). B batch, T tokens, D hidden.
#include "imago/base/error.h"
#include "imago/nn/default_dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/encoder_decoder_stack.h"
#include "imago/nn/registry.h"
#include "imago/nn/sinusoidal_positions.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/where/where.h"

namespace imago::m2m_100 {

struct M2M100Config : Config, nn::DropsByDefault {
  static constexpr const char* kModelType = "m2m_100";
  int64_t vocab_size = 128112, max_position_embeddings = 1024, d_model = 1024;
  int64_t encoder_layers = 12, encoder_ffn_dim = 4096, encoder_attention_heads = 16;
  int64_t decoder_layers = 12, decoder_ffn_dim = 4096, decoder_attention_heads = 16;
  std::string activation_function = "relu";
  bool scale_embedding = true;
  double dropout = 0.1, attention_dropout = 0.1, activation_dropout = 0;
  JsonText num_hidden_layers;  // of no effect: encoder_layers says it
  FIELDS_AND(Config, vocab_size, max_position_embeddings, d_model, encoder_layers, encoder_ffn_dim,
             encoder_attention_heads, decoder_layers, decoder_ffn_dim, decoder_attention_heads, activation_function,
             scale_embedding, dropout, attention_dropout, activation_dropout, num_hidden_layers)

  M2M100Config() {
    is_encoder_decoder = true;
    pad_token_id = 1;
    bos_token_id = 0;
    eos_token_id = {2};
    decoder_start_token_id = 2;
  }
  void validate() const override {
    require_heads("d_model", d_model, "encoder_attention_heads", encoder_attention_heads);
    require_heads("d_model", d_model, "decoder_attention_heads", decoder_attention_heads);
    if (pad_token_id && d_model >= 4) return;
    throw Error(ErrorKind::kInvalidFile, "config.json", "there is no pad_token_id, or d_model is below 4",
                "positions begin behind pad_token_id (M2M-100 has 1), and are sines and cosines");
  }
  nn::StackOptions stack(bool decodes) const {
    return {.decodes = decodes,
            .vocab_size = vocab_size,
            .hidden_size = d_model,
            .layers = decodes ? decoder_layers : encoder_layers,
            .heads = decodes ? decoder_attention_heads : encoder_attention_heads,
            .intermediate_size = decodes ? decoder_ffn_dim : encoder_ffn_dim,
            .activation = activation_function,
            .scale_embedding = scale_embedding,
            .norm_first = true,
            .padding_idx = pad_token_id,
            .dropout = dropout,
            .attention_dropout = attention_dropout,
            .activation_dropout = activation_dropout};
  }
  std::vector<nn::DroppedByDefault> dropped_by_default() const override {
    return {{"encoder_layerdrop", 0.05}, {"decoder_layerdrop", 0.05}};
  }
};

// Sinusoidal positions that begin behind pad_token_id, over what is not padding; a norm at the end.
struct Stack : nn::EncoderDecoderStack {
  nn::LayerNorm layer_norm;
  FIELDS_AND(EncoderDecoderStack, layer_norm)

  Stack(const M2M100Config& c, bool is_decoder)
      : EncoderDecoderStack(c.stack(is_decoder)), layer_norm(c.d_model, 1e-5) {}
  BaseModelOutput operator()(const TextInputs& in) const {
    const Tensor words_BTD = embed_words(in);
    return run(words_BTD + positions(in, words_BTD), in, layer_norm);
  }

 private:
  Tensor positions(const TextInputs& in, const Tensor& x_BTD) const {
    const int64_t padding = *embed_tokens.padding_idx;
    TextInputs own = in;
    own.position_ids = {};
    const Tensor ids = in.inputs_embeds ? nn::positions_behind_cache(in, x_BTD) + static_cast<double>(padding + 1)
                                        : nn::position_ids_behind_padding(own, x_BTD, padding);
    const Tensor angles = nn::sinusoidal_positions(ids, x_BTD.size(2), nn::Sinusoids::kTensor2Tensor);
    return cast(masked_fill(angles, unsqueeze(eq(ids, static_cast<double>(padding)), -1), 0), x_BTD.dtype());
  }
};

using M2M100Model = nn::SharedEncoderDecoder<M2M100Config, Stack>;
using M2M100ForConditionalGeneration = nn::ForConditionalGeneration<M2M100Model>;

}  // namespace imago::m2m_100

REGISTER_MODELS(m2m_100, M2M100Model, M2M100ForConditionalGeneration)
