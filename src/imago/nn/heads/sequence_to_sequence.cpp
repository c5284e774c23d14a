#include "imago/nn/heads/sequence_to_sequence.h"

#include <utility>

#include "imago/base/error.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/losses.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/where/where.h"

namespace imago::nn {

Tensor shift_right(const Tensor& ids, const Config& config) {
  if (!config.decoder_start_token_id || !config.pad_token_id) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                "the decoder's input is made of the labels, but config.json has no decoder_start_token_id or "
                "pad_token_id",
                "set them (T5 has 0 for both), or pass decoder_input_ids");
  }
  const Tensor start = Tensor::full({ids.size(0), 1}, static_cast<double>(*config.decoder_start_token_id), ids.dtype());
  const Tensor shifted = concat({start, narrow(ids, 1, 0, ids.size(1) - 1)}, 1);
  return masked_fill(shifted, eq(shifted, -100), static_cast<double>(*config.pad_token_id));
}

Seq2SeqOutput encode_and_decode(const EncoderDecoderModel& model, const TextInputs& in, const Tensor& shifted) {
  BaseModelOutput encoded;
  if (in.encoder_last_hidden_state) {
    encoded.last_hidden_state = in.encoder_last_hidden_state;
  } else {
    TextInputs encoder_in = in;
    encoder_in.past_key_values = nullptr;  // the cache is the decoder's
    encoded = model.encode(encoder_in);
  }
  TextInputs decoder_in = in;
  decoder_in.input_ids = in.decoder_input_ids;
  decoder_in.inputs_embeds = in.decoder_inputs_embeds;
  if (shifted && !in.decoder_input_ids && !in.decoder_inputs_embeds)
    decoder_in.input_ids = shift_right(shifted, model.config());
  decoder_in.attention_mask = in.decoder_attention_mask;
  decoder_in.encoder_hidden_states = encoded.last_hidden_state;
  decoder_in.encoder_attention_mask = in.attention_mask;
  return joined(std::move(encoded), model.decode(decoder_in));
}

Seq2SeqOutput joined(BaseModelOutput encoded, BaseModelOutput decoded) {
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

Seq2SeqOutput generate_conditionally(const EncoderDecoderModel& base, const HeadFunction& head, const TextInputs& in) {
  Seq2SeqOutput out = encode_and_decode(base, in, in.labels);
  out.logits = head(keep_last(std::exchange(out.last_hidden_state, {}), in.logits_to_keep));
  out.loss = token_loss(out.logits, in.labels);
  return out;
}

Seq2SeqOutput classify_sequence(const EncoderDecoderModel& base, const HeadFunction& head, const TextInputs& in) {
  Seq2SeqOutput out = encode_and_decode(base, in, in.input_ids);
  BaseModelOutput decoded;
  decoded.last_hidden_state = std::exchange(out.last_hidden_state, {});
  out.logits = head(dropout(pool(Pooling::kEndOfSequence, decoded, in, base.config()), head_dropout(base.config())));
  out.loss = sequence_classification_loss(out.logits, in.labels, base.config());
  return out;
}

Seq2SeqOutput answer_question(const EncoderDecoderModel& base, const HeadFunction& head, const TextInputs& in) {
  Seq2SeqOutput out = encode_and_decode(base, in, in.input_ids);
  set_answer_span(out, head(std::exchange(out.last_hidden_state, {})), in);
  return out;
}

}  // namespace imago::nn
