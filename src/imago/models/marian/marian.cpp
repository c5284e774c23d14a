// Marian (Junczys-Dowmunt et al. 2018, "Marian: Fast Neural Machine Translation in C++"; the models are those of
// Tiedemann and Thottingal 2020, "OPUS-MT"). B batch, T tokens, D hidden.
#include "imago/nn/embeddings.h"
#include "imago/nn/heads/biased_language_model.h"
#include "imago/nn/registry.h"
#include "imago/nn/sinusoidal_positions.h"
#include "imago/nn/stack_config.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"

namespace imago::marian {

struct MarianConfig : nn::TextStackConfig {
  static constexpr const char* kModelType = "marian";
  std::optional<int64_t> decoder_vocab_size;
  bool share_encoder_decoder_embeddings = true, is_decoder = false;
  // What early files say of other models of that code; Marian is as it is whatever they say.
  JsonText add_bias_logits, add_final_layer_norm, normalize_before, normalize_embedding, static_position_embeddings,
      extra_pos_embeddings, force_bos_token_to_be_generated, num_hidden_layers;
  FIELDS_AND(TextStackConfig, decoder_vocab_size, share_encoder_decoder_embeddings, is_decoder, add_bias_logits,
             add_final_layer_norm, normalize_before, normalize_embedding, static_position_embeddings,
             extra_pos_embeddings, force_bos_token_to_be_generated, num_hidden_layers)

  MarianConfig() {
    vocab_size = 58101;
    pad_token_id = decoder_start_token_id = 58100;
    eos_token_id = {0};
  }
  nn::StackOptions stack(bool decodes) const {
    nn::StackOptions options = TextStackConfig::stack(decodes);
    if (decodes) options.vocab_size = decoder_words();
    return options;
  }
  // Words that the decoder reads, and those it has scores for.
  int64_t decoder_words() const { return decoder_vocab_size.value_or(vocab_size); }
  int64_t target_words() const { return share_encoder_decoder_embeddings ? vocab_size : decoder_words(); }
};

// Sinusoidal positions, which some checkpoints have as a table.
struct Stack : nn::EncoderDecoderStack {
  nn::Embedding embed_positions;
  FIELDS_AND(EncoderDecoderStack, embed_positions)

  Stack(const MarianConfig& c, bool is_decoder)
      : EncoderDecoderStack(c.stack(is_decoder)), embed_positions(c.max_position_embeddings, c.d_model) {
    const Tensor positions = Tensor::arange(0, static_cast<double>(c.max_position_embeddings));
    computed_.weight = nn::sinusoidal_positions(positions, c.d_model, nn::Sinusoids::kPaper);
  }
  BaseModelOutput operator()(const TextInputs& in) const {
    Tensor x_BTD = embed_words(in);
    if (in.inputs_embeds && decodes) x_BTD = x_BTD * scale;  // the decoder scales what it is given, too
    nn::Embedding table = embed_positions.weight ? embed_positions : computed_;
    table.weight = cast(table.weight.detach(), x_BTD.dtype());  // never trained
    const Tensor positions = nn::positions_behind_cache(in, x_BTD);
    return run(x_BTD + nn::position_embeddings(positions, table, "max_position_embeddings"), in);
  }

 private:
  nn::Embedding computed_;
};

struct MarianModel : nn::EncoderDecoder<MarianConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "decoder.embed_tokens.weight";
  nn::Embedding shared;  // where there is one table of words for both
  Stack encoder, decoder;
  FIELDS(shared, encoder, decoder)

  explicit MarianModel(const MarianConfig& c) : EncoderDecoder(c), encoder(c, false), decoder(c, true) {
    if (c.share_encoder_decoder_embeddings) shared = nn::Embedding(c.vocab_size, c.d_model, c.pad_token_id);
  }
  WeightMap weight_map() const override {
    WeightMap map{.base_model_prefix = "model", .optional = {"*coder.embed_positions.weight"}};
    if (config().share_encoder_decoder_embeddings)
      map.tied = {{"encoder.embed_tokens.weight", "shared.weight"}, {"decoder.embed_tokens.weight", "shared.weight"}};
    return map;
  }
  BaseModelOutput encode(const TextInputs& in) const override { return encoder(in); }
  BaseModelOutput decode(const TextInputs& in) const override { return decoder(in); }
};

// Its scores are of the words that the decoder reads.
struct MarianMTModel : nn::ForBiasedGeneration<MarianModel> {
  explicit MarianMTModel(const MarianConfig& c) : ForBiasedGeneration(c) {
    static_cast<nn::Linear&>(head.lm_head) = nn::Linear(c.d_model, c.target_words(), false);
    head.final_logits_bias = parameter({1, c.target_words()});
  }
};

struct MarianDecoder : nn::DecoderOnly<MarianConfig, Stack> {
  using DecoderOnly::DecoderOnly;
  WeightMap weight_map() const override {
    return {.base_model_prefix = "model", .optional = {"decoder.embed_positions.weight"}};
  }
};

using MarianForCausalLM = nn::DecoderOnlyLM<MarianDecoder>;

}  // namespace imago::marian

REGISTER_MODELS(marian, MarianModel, MarianMTModel, MarianForCausalLM)
