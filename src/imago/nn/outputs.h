// What models give back, with the reference's field names. A tensor is undefined, and a list empty, where it was not
// asked for or does not exist. B batch, T tokens, D hidden, V vocabulary, H heads.
#pragma once

#include <utility>

#include "imago/tensor/fields.h"
#include "imago/tensor/tensor.h"

namespace imago {

// On request, in every output: hidden_states is the embeddings and what each layer gave (layers + 1 of [B, T, D]);
// attentions is the weights after the softmax, per layer [B, H, T, T].
struct ModelOutput {
  Tensor loss;
  Tensors hidden_states, attentions, cross_attentions;
  FIELDS(loss, hidden_states, attentions, cross_attentions)
};

struct BaseModelOutput : ModelOutput {
  Tensor last_hidden_state;  // [B, T, D]
  Tensor pooler_output;      // [B, D]
  FIELDS_AND(ModelOutput, last_hidden_state, pooler_output)
};

// Of language models [B, T, V], of token classifiers [B, T, labels], of sequence classifiers [B, labels].
struct LogitsOutput : ModelOutput {
  Tensor logits;
  FIELDS_AND(ModelOutput, logits)
};

// Hands the hidden states and attentions of the model below up to the output of its head.
inline void take_states(ModelOutput& out, ModelOutput below) {
  out.hidden_states = std::move(below.hidden_states);
  out.attentions = std::move(below.attentions);
  out.cross_attentions = std::move(below.cross_attentions);
}

inline LogitsOutput logits_output(Tensor logits, Tensor loss, BaseModelOutput below) {
  LogitsOutput out;
  out.logits = std::move(logits);
  out.loss = std::move(loss);
  take_states(out, std::move(below));
  return out;
}

struct QuestionAnsweringOutput : ModelOutput {
  Tensor start_logits, end_logits;  // [B, T]
  FIELDS_AND(ModelOutput, start_logits, end_logits)
};

struct PreTrainingOutput : ModelOutput {
  Tensor prediction_logits;        // [B, T, V]
  Tensor seq_relationship_logits;  // [B, 2] whether the second sentence follows, or
  Tensor sop_logits;               // [B, 2] whether it comes first
  FIELDS_AND(ModelOutput, prediction_logits, seq_relationship_logits, sop_logits)
};

// Of a language model that also scores choices, C of them.
struct DoubleHeadsOutput : ModelOutput {
  Tensor mc_loss;
  Tensor logits;     // [B, C, T, V]
  Tensor mc_logits;  // [B, C]
  FIELDS_AND(ModelOutput, mc_loss, logits, mc_logits)
};

struct Seq2SeqOutput {
  Tensor loss;
  Tensor logits;             // [B, T, V], or of a classifier [B, labels]
  Tensor last_hidden_state;  // of the decoder, from a model without a head
  Tensor start_logits, end_logits;
  Tensors decoder_hidden_states, decoder_attentions, cross_attentions;
  Tensor encoder_last_hidden_state;
  Tensors encoder_hidden_states, encoder_attentions;
  FIELDS(loss, logits, last_hidden_state, start_logits, end_logits, decoder_hidden_states, decoder_attentions,
         cross_attentions, encoder_last_hidden_state, encoder_hidden_states, encoder_attentions)
};

}  // namespace imago
