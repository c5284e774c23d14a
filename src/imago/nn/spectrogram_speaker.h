// What a model that speaks does behind its encoder. B batch, T tokens, D hidden.
#pragma once

#include "imago/nn/relative_stacks.h"
#include "imago/nn/speaking_model.h"
#include "imago/nn/spectrogram_layers.h"

namespace imago::nn {

struct SpectrogramSpeaker {
  const SpectrogramPrenet& prenet;
  const CrossAttendingDecoder& decoder;
  const SpectrogramPostnet& postnet;
  SpectrogramLossOptions loss;
  bool has_loss = true;  // labels give one, and not only what the decoder reads

  bool guides(const SpeakingInputs& in) const { return has_loss && in.labels && loss.guided_heads > 0; }
  // The encoder's output with its mask, bool [B, T] or undefined.
  SpectrogramOutput forward(const SpeakingInputs& in, BaseModelOutput encoded, const Tensor& mask) const;
  // Step by step, until the model says that the speech ends: the frames of each row.
  Tensors generate(const SpeakingInputs& in, const Tensor& encoded_BTD, const Tensor& mask,
                   const SpeakingOptions& options) const;
};

// Throws Error kInvalidArgument where it is undefined.
void require_input(const Tensor& input, const char* name);

// What of the inputs is the same for a text model.
template <class Inputs>
TextInputs asked_of(const Inputs& in) {
  TextInputs text;
  text.output_hidden_states = in.output_hidden_states;
  text.output_attentions = in.output_attentions;
  text.attention = in.attention;
  text.past_key_values = in.past_key_values;
  return text;
}

}  // namespace imago::nn
