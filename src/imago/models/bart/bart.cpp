// BART (Lewis et al. 2019, "BART: Denoising Sequence-to-Sequence Pre-training for Natural Language Generation,
// Translation, and Comprehension"). B batch, T tokens, D hidden.
#include "imago/nn/embeddings.h"
#include "imago/nn/heads/biased_language_model.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/registry.h"
#include "imago/nn/stack_config.h"
#include "imago/ops/operators.h"

namespace imago::bart {

constexpr int64_t kOffset = 2;  // rows of the table of positions before that of the first one

struct BartConfig : nn::TextStackConfig, nn::DropsBeforeHead {
  static constexpr const char* kModelType = "bart";
  bool is_decoder = false;
  double classifier_dropout = 0;
  // What early files say of other models of that code; BART is as it is whatever they say.
  JsonText add_bias_logits, add_final_layer_norm, normalize_before, normalize_embedding, static_position_embeddings,
      extra_pos_embeddings, force_bos_token_to_be_generated, num_hidden_layers;
  FIELDS_AND(TextStackConfig, is_decoder, classifier_dropout, add_bias_logits, add_final_layer_norm, normalize_before,
             normalize_embedding, static_position_embeddings, extra_pos_embeddings, force_bos_token_to_be_generated,
             num_hidden_layers)

  BartConfig() {
    vocab_size = 50265;
    pad_token_id = 1;
    bos_token_id = 0;
    eos_token_id = {2};
    decoder_start_token_id = 2;
    id2label.text = R"({"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"})";  // three, where others have two
  }
  double head_dropout() const override { return classifier_dropout; }
};

// Learned positions, with two rows before the first; the sum with the words is normalised.
struct Stack : nn::EncoderDecoderStack {
  nn::Embedding embed_positions;
  nn::LayerNorm layernorm_embedding;
  FIELDS_AND(EncoderDecoderStack, embed_positions, layernorm_embedding)

  Stack(const BartConfig& c, bool is_decoder)
      : EncoderDecoderStack(c.stack(is_decoder)),
        embed_positions(c.max_position_embeddings + kOffset, c.d_model),
        layernorm_embedding(c.d_model, 1e-5) {}
  BaseModelOutput operator()(const TextInputs& in) const {
    const Tensor words_BTD = embed_words(in);
    const Tensor positions = nn::positions_behind_cache(in, words_BTD) + static_cast<double>(kOffset);
    return run(
        layernorm_embedding(words_BTD + nn::position_embeddings(positions, embed_positions, "max_position_embeddings")),
        in);
  }
};

// Where the decoder has no input and there are no labels, its input is the encoder's, moved right.
struct BartModel : nn::SharedEncoderDecoder<BartConfig, Stack> {
  using SharedEncoderDecoder::SharedEncoderDecoder;
  Seq2SeqOutput forward(const TextInputs& in) const override { return nn::encode_and_decode(*this, in, in.input_ids); }
};

struct BartForConditionalGeneration : nn::ForBiasedGeneration<BartModel> {
  static constexpr const char* kOtherAutoClass = PreTraining::kAutoClass;
  using ForBiasedGeneration::ForBiasedGeneration;
  Seq2SeqOutput forward(const TextInputs& in) const override {
    TextInputs with_decoder = in;
    if (!in.labels && !in.decoder_input_ids && !in.decoder_inputs_embeds && in.input_ids)
      with_decoder.decoder_input_ids = nn::shift_right(in.input_ids, config());
    return ForBiasedGeneration::forward(with_decoder);
  }
};

using BartForCausalLM = nn::DecoderOnlyLM<nn::DecoderOnly<BartConfig, Stack>>;
using BartForSequenceClassification = nn::Seq2SeqForSequenceClassification<BartModel, nn::ClassificationHead>;
using BartForQuestionAnswering = nn::Seq2SeqForQuestionAnswering<BartModel>;

}  // namespace imago::bart

REGISTER_MODELS(bart, BartModel, BartForConditionalGeneration, BartForCausalLM, BartForSequenceClassification,
                BartForQuestionAnswering)
