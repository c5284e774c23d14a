// B batch, T tokens, D hidden.
#include "imago/models/marian/marian.h"

#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/nn/sinusoidal_positions.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"

namespace imago::marian {

MarianConfig::MarianConfig() {
  is_encoder_decoder = true;
  pad_token_id = decoder_start_token_id = 58100;
  eos_token_id = {0};
}

void MarianConfig::validate() const {
  require_heads("d_model", d_model, "encoder_attention_heads", encoder_attention_heads);
  require_heads("d_model", d_model, "decoder_attention_heads", decoder_attention_heads);
}

nn::StackOptions MarianConfig::stack(bool decodes) const {
  return {.decodes = decodes,
          .vocab_size = decodes ? decoder_words() : vocab_size,
          .hidden_size = d_model,
          .layers = decodes ? decoder_layers : encoder_layers,
          .heads = decodes ? decoder_attention_heads : encoder_attention_heads,
          .intermediate_size = decodes ? decoder_ffn_dim : encoder_ffn_dim,
          .activation = activation_function,
          .scale_embedding = scale_embedding,
          .padding_idx = pad_token_id};
}

Stack::Stack(const MarianConfig& c, bool is_decoder)
    : EncoderDecoderStack(c.stack(is_decoder)), embed_positions(c.max_position_embeddings, c.d_model) {
  const Tensor positions = Tensor::arange(0, static_cast<double>(c.max_position_embeddings));
  computed_.weight = nn::sinusoidal_positions(positions, c.d_model, nn::Sinusoids::kPaper);
}

BaseModelOutput Stack::operator()(const TextInputs& in) const {
  Tensor x_BTD = embed_words(in);
  if (in.inputs_embeds && decodes) x_BTD = x_BTD * scale;  // the decoder scales what it is given, too
  nn::Embedding table = embed_positions.weight ? embed_positions : computed_;
  table.weight = cast(table.weight.detach(), x_BTD.dtype());  // never trained
  const Tensor positions = nn::positions_behind_cache(in, x_BTD);
  return run(x_BTD + nn::position_embeddings(positions, table, "max_position_embeddings"), in);
}

MarianModel::MarianModel(const MarianConfig& c) : EncoderDecoder(c), encoder(c, false), decoder(c, true) {
  if (c.share_encoder_decoder_embeddings) shared = nn::Embedding(c.vocab_size, c.d_model, c.pad_token_id);
}

WeightMap MarianModel::weight_map() const {
  WeightMap map{.base_model_prefix = "model", .optional = {"*coder.embed_positions.weight"}};
  if (config().share_encoder_decoder_embeddings)
    map.tied = {{"encoder.embed_tokens.weight", "shared.weight"}, {"decoder.embed_tokens.weight", "shared.weight"}};
  return map;
}

MarianMTModel::MarianMTModel(const MarianConfig& c) : ForBiasedGeneration(c) {
  static_cast<nn::Linear&>(head.lm_head) = nn::Linear(c.d_model, c.target_words(), false);
  head.final_logits_bias = parameter({1, c.target_words()});
}

WeightMap MarianDecoder::weight_map() const {
  return {.base_model_prefix = "model", .optional = {"decoder.embed_positions.weight"}};
}

}  // namespace imago::marian

REGISTER_MODELS(marian, MarianModel, MarianMTModel, MarianForCausalLM)
