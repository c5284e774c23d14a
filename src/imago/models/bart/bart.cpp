// B batch, T tokens, D hidden.
#include "imago/models/bart/bart.h"

#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::bart {
namespace {

constexpr int64_t kOffset = 2;  // rows of the table of positions before that of the first one

}  // namespace

BartConfig::BartConfig() {
  is_encoder_decoder = true;
  pad_token_id = 1;
  bos_token_id = 0;
  eos_token_id = {2};
  decoder_start_token_id = 2;
  id2label.text = R"({"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"})";  // three, where others have two
}

void BartConfig::validate() const {
  require_heads("d_model", d_model, "encoder_attention_heads", encoder_attention_heads);
  require_heads("d_model", d_model, "decoder_attention_heads", decoder_attention_heads);
}

nn::StackOptions BartConfig::stack(bool decodes) const {
  return {.decodes = decodes,
          .vocab_size = vocab_size,
          .hidden_size = d_model,
          .layers = decodes ? decoder_layers : encoder_layers,
          .heads = decodes ? decoder_attention_heads : encoder_attention_heads,
          .intermediate_size = decodes ? decoder_ffn_dim : encoder_ffn_dim,
          .activation = activation_function,
          .scale_embedding = scale_embedding,
          .padding_idx = pad_token_id};
}

Stack::Stack(const BartConfig& c, bool is_decoder)
    : EncoderDecoderStack(c.stack(is_decoder)),
      embed_positions(c.max_position_embeddings + kOffset, c.d_model),
      layernorm_embedding(c.d_model, 1e-5) {}

BaseModelOutput Stack::operator()(const TextInputs& in) const {
  const Tensor words_BTD = embed_words(in);
  const Tensor positions = nn::positions_behind_cache(in, words_BTD) + static_cast<double>(kOffset);
  return run(
      layernorm_embedding(words_BTD + nn::position_embeddings(positions, embed_positions, "max_position_embeddings")),
      in);
}

Seq2SeqOutput BartForConditionalGeneration::forward(const TextInputs& in) const {
  TextInputs with_decoder = in;
  if (!in.labels && !in.decoder_input_ids && !in.decoder_inputs_embeds && in.input_ids)
    with_decoder.decoder_input_ids = nn::shift_right(in.input_ids, config());
  return ForBiasedGeneration::forward(with_decoder);
}

}  // namespace imago::bart

REGISTER_MODELS(bart, BartModel, BartForConditionalGeneration, BartForCausalLM, BartForSequenceClassification,
                BartForQuestionAnswering)
