// B batch, T tokens, D hidden.
#include "imago/models/t5/t5_models.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::t5 {
namespace {

// Moved right by one, behind the start token; labels that do not count become padding.
Tensor shift_right(const Tensor& ids_BT, const T5Config& config) {
  if (!config.decoder_start_token_id || !config.pad_token_id) {
    throw Error(
        ErrorKind::kInvalidArgument, "forward",
        "the decoder's input is made of the labels, but config.json has no decoder_start_token_id or pad_token_id",
        "set them (both are 0 in published checkpoints), or pass decoder_input_ids");
  }
  const Tensor start =
      Tensor::full({ids_BT.size(0), 1}, static_cast<double>(*config.decoder_start_token_id), ids_BT.dtype());
  const Tensor shifted = concat({start, narrow(ids_BT, 1, 0, ids_BT.size(1) - 1)}, 1);
  return masked_fill(shifted, eq(shifted, -100), static_cast<double>(*config.pad_token_id));
}

// Weights are shared whatever tie_word_embeddings says: version 1.1, which says no, has another lm_head in its
// checkpoints, and what a checkpoint has is kept.
WeightMap shared_weights() {
  return {.base_model_prefix = T5Model::kBaseModelPrefix,
          .rules = {},
          // A table that old checkpoints have by mistake, and heads that another architecture has.
          .ignored = {"*decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight", "lm_head.weight",
                      "qa_outputs.*", "classifier.*", "classification_head.*"},
          .tied = {}};
}

// Where the last end-of-sequence token of each row stands.
Tensor last_end_of_sequence(const Tensor& ids_BT, const T5Config& config) {
  const int64_t batch = ids_BT.size(0), tokens = ids_BT.size(1);
  const std::vector<int64_t> ids = ids_BT.to_vector<int64_t>();
  std::vector<int64_t> positions, counts;
  for (int64_t row = 0; row < batch; ++row) {
    int64_t last = -1, count = 0;
    for (int64_t token = 0; token < tokens; ++token) {
      const int64_t id = ids[static_cast<size_t>(row * tokens + token)];
      if (std::find(config.eos_token_id.begin(), config.eos_token_id.end(), id) == config.eos_token_id.end()) continue;
      last = token;
      ++count;
    }
    positions.push_back(last);
    counts.push_back(count);
  }
  const bool alike = std::all_of(counts.begin(), counts.end(), [&](int64_t n) { return n > 0 && n == counts[0]; });
  if (!alike) {
    throw Error(ErrorKind::kInvalidArgument, "classify",
                "the rows of input_ids do not each have the same number of end-of-sequence tokens, at least one",
                "end each text with the token eos_token_id");
  }
  return Tensor::from(std::span<const int64_t>(positions), {batch});
}

}  // namespace

EncoderDecoder::EncoderDecoder(const T5Config& c)
    : config_(c), shared(c.vocab_size, c.d_model), encoder(c, StackKind::kEncoder), decoder(c, StackKind::kDecoder) {}

WeightMap EncoderDecoder::weight_map() const {
  WeightMap map = shared_weights();
  map.tied = {{"encoder.embed_tokens.weight", "shared.weight"}, {"decoder.embed_tokens.weight", "shared.weight"}};
  return map;
}

BaseModelOutput EncoderDecoder::encode(const TextInputs& in) const {
  TextInputs encoder_in = in;
  encoder_in.past_key_values = nullptr;  // the cache is the decoder's
  return encoder(encoder_in);
}

Seq2SeqOutput EncoderDecoder::encode_and_decode(const TextInputs& in, const Tensor& shifted) const {
  BaseModelOutput encoded;
  if (in.encoder_last_hidden_state) {
    encoded.last_hidden_state = in.encoder_last_hidden_state;
  } else {
    encoded = encode(in);
  }
  TextInputs decoder_in = in;
  decoder_in.input_ids = in.decoder_input_ids;
  decoder_in.inputs_embeds = in.decoder_inputs_embeds;
  if (shifted && !in.decoder_input_ids && !in.decoder_inputs_embeds)
    decoder_in.input_ids = shift_right(shifted, config_);
  decoder_in.attention_mask = in.decoder_attention_mask;
  decoder_in.encoder_hidden_states = encoded.last_hidden_state;
  decoder_in.encoder_attention_mask = in.attention_mask;
  BaseModelOutput decoded = decoder(decoder_in);

  Seq2SeqOutput out;
  out.last_hidden_state = std::move(decoded.last_hidden_state);
  out.decoder_hidden_states = std::move(decoded.hidden_states);
  out.decoder_attentions = std::move(decoded.attentions);
  out.cross_attentions = std::move(decoded.cross_attentions);
  out.encoder_last_hidden_state = std::move(encoded.last_hidden_state);
  out.encoder_hidden_states = std::move(encoded.hidden_states);
  out.encoder_attentions = std::move(encoded.attentions);
  return out;
}

WeightMap T5ForConditionalGeneration::weight_map() const {
  WeightMap map = EncoderDecoder::weight_map();
  map.tied.emplace_back("lm_head.weight", "shared.weight");
  return map;
}

Seq2SeqOutput T5ForConditionalGeneration::forward(const TextInputs& in) const {
  Seq2SeqOutput out = encode_and_decode(in, in.labels);
  Tensor x_BTD = nn::keep_last(std::exchange(out.last_hidden_state, {}), in.logits_to_keep);
  if (config_.scales_decoder_outputs()) x_BTD = x_BTD * (1 / std::sqrt(static_cast<double>(config_.d_model)));
  out.logits = lm_head(x_BTD);
  out.loss = nn::token_loss(out.logits, in.labels);
  return out;
}

Seq2SeqOutput T5ForQuestionAnswering::forward(const TextInputs& in) const {
  Seq2SeqOutput out = encode_and_decode(in, in.input_ids);
  QuestionAnsweringOutput answer = nn::answer_span(qa_outputs(std::exchange(out.last_hidden_state, {})), {}, in);
  out.start_logits = std::move(answer.start_logits);
  out.end_logits = std::move(answer.end_logits);
  out.loss = std::move(answer.loss);
  return out;
}

ClassificationHead::ClassificationHead(const T5Config& c)
    : dense(c.d_model, c.d_model), out_proj(c.d_model, c.num_labels()) {}

Tensor ClassificationHead::operator()(const Tensor& x_BD) const { return out_proj(tanh(dense(x_BD))); }

Seq2SeqOutput T5ForSequenceClassification::forward(const TextInputs& in) const {
  if (!in.input_ids) {
    throw Error(ErrorKind::kInvalidArgument, "classify", "the model reads its answer at a token of input_ids",
                "pass input_ids, not inputs_embeds");
  }
  Seq2SeqOutput out = base.encode_and_decode(in, in.input_ids);
  const Tensor end_B = last_end_of_sequence(in.input_ids, base.config());
  out.logits = classification_head(nn::at_positions(std::exchange(out.last_hidden_state, {}), end_B));
  out.loss = nn::sequence_classification_loss(out.logits, in.labels, config());
  return out;
}

T5EncoderModel::T5EncoderModel(const T5Config& c)
    : shared(c.vocab_size, c.d_model), encoder(c, StackKind::kEncoder), config_(c) {}

WeightMap T5EncoderModel::weight_map() const {
  WeightMap map = shared_weights();
  map.ignored.insert(map.ignored.end(), {"decoder.*", "transformer.decoder.*"});
  map.tied = {{"encoder.embed_tokens.weight", "shared.weight"}};
  return map;
}

}  // namespace imago::t5

namespace imago {

void register_t5(Registry& registry) {
  using namespace t5;
  registry.add<T5Model>("T5Model", {"AutoModel"});
  registry.add<T5ForConditionalGeneration>("T5ForConditionalGeneration",
                                           {"AutoModelForSeq2SeqLM", "AutoModelForPreTraining"});
  registry.add<T5EncoderModel>("T5EncoderModel", {"AutoModel", "AutoModelForTextEncoding"});
  registry.add<T5ForSequenceClassification>("T5ForSequenceClassification", {"AutoModelForSequenceClassification"});
  registry.add<nn::TokenClassifier<T5EncoderModel>>("T5ForTokenClassification", {"AutoModelForTokenClassification"});
  registry.add<T5ForQuestionAnswering>("T5ForQuestionAnswering", {"AutoModelForQuestionAnswering"});
}

}  // namespace imago
