#include "imago/nn/stacks_of_states.h"

#include "imago/base/error.h"
#include "imago/nn/heads/sequence_to_sequence.h"
#include "imago/nn/spectrogram_speaker.h"
#include "imago/ops/compare/compare.h"

namespace imago::nn {

Seq2SeqOutput transduce(const StateEncoder& encoder, const StateDecoder& decoder, const SpeakingInputs& in) {
  require_input(in.decoder_input_values, "decoder_input_values");
  TextInputs asked = asked_of(in);
  BaseModelOutput encoded;
  encoded.last_hidden_state = in.encoder_last_hidden_state;
  if (!encoded.last_hidden_state) {
    require_input(in.input_values, "input_values");
    encoded = encoder.wrapped_encoder(in.input_values, in.attention_mask ? ne(in.attention_mask, 0) : Tensor(), asked);
  }
  asked.attention_mask = in.decoder_attention_mask;
  asked.encoder_hidden_states = encoded.last_hidden_state;
  asked.encoder_attention_mask = in.attention_mask;
  BaseModelOutput decoded = decoder.wrapped_decoder(in.decoder_input_values, asked);
  return joined(std::move(encoded), std::move(decoded));
}

}  // namespace imago::nn
