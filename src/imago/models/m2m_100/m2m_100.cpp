// B batch, T tokens, D hidden.
#include "imago/models/m2m_100/m2m_100.h"

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/nn/sinusoidal_positions.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/where/where.h"

namespace imago::m2m_100 {

M2M100Config::M2M100Config() {
  is_encoder_decoder = true;
  pad_token_id = 1;
  bos_token_id = 0;
  eos_token_id = {2};
  decoder_start_token_id = 2;
}

void M2M100Config::validate() const {
  require_heads("d_model", d_model, "encoder_attention_heads", encoder_attention_heads);
  require_heads("d_model", d_model, "decoder_attention_heads", decoder_attention_heads);
  if (pad_token_id && d_model >= 4) return;
  throw Error(ErrorKind::kInvalidFile, "config.json", "there is no pad_token_id, or d_model is below 4",
              "positions begin behind pad_token_id (M2M-100 has 1), and are sines and cosines");
}

nn::StackOptions M2M100Config::stack(bool decodes) const {
  return {.decodes = decodes,
          .vocab_size = vocab_size,
          .hidden_size = d_model,
          .layers = decodes ? decoder_layers : encoder_layers,
          .heads = decodes ? decoder_attention_heads : encoder_attention_heads,
          .intermediate_size = decodes ? decoder_ffn_dim : encoder_ffn_dim,
          .activation = activation_function,
          .scale_embedding = scale_embedding,
          .norm_first = true,
          .padding_idx = pad_token_id};
}

Stack::Stack(const M2M100Config& c, bool is_decoder)
    : EncoderDecoderStack(c.stack(is_decoder)), layer_norm(c.d_model, 1e-5) {}

Tensor Stack::positions(const TextInputs& in, const Tensor& x_BTD) const {
  const int64_t padding = *embed_tokens.padding_idx;
  TextInputs own = in;
  own.position_ids = {};
  const Tensor ids = in.inputs_embeds ? nn::positions_behind_cache(in, x_BTD) + static_cast<double>(padding + 1)
                                      : nn::position_ids_behind_padding(own, x_BTD, padding);
  const Tensor angles = nn::sinusoidal_positions(ids, x_BTD.size(2), nn::Sinusoids::kTensor2Tensor);
  return cast(masked_fill(angles, unsqueeze(eq(ids, static_cast<double>(padding)), -1), 0), x_BTD.dtype());
}

BaseModelOutput Stack::operator()(const TextInputs& in) const {
  const Tensor words_BTD = embed_words(in);
  return run(words_BTD + positions(in, words_BTD), in, layer_norm);
}

}  // namespace imago::m2m_100

REGISTER_MODELS(m2m_100, M2M100Model, M2M100ForConditionalGeneration)
