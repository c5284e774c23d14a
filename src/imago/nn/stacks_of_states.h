// An encoder and a decoder between layers that are the caller's: what they read are states. B batch, T and S places, D
// hidden.
#pragma once

#include "imago/nn/backbone.h"
#include "imago/nn/relative_stacks.h"
#include "imago/nn/speaking_model.h"

namespace imago::nn {

// Its input_values are [B, T, D] and its decoder_input_values [B, S, D].
struct StateTransducer : CallableModel<SpeakingInputs, Seq2SeqOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};

struct StateEncoder : Module {
  RelativeEncoder wrapped_encoder;
  FIELDS(wrapped_encoder)
};

struct StateDecoder : Module {
  CrossAttendingDecoder wrapped_decoder;
  FIELDS(wrapped_decoder)
};

Seq2SeqOutput transduce(const StateEncoder& encoder, const StateDecoder& decoder, const SpeakingInputs& in);

// SpeechT5 without the layers before and behind its stacks.
template <class C>
struct StacksOfStates : Backbone<C, StateTransducer> {
  StateEncoder encoder;
  StateDecoder decoder;
  FIELDS(encoder, decoder)

  explicit StacksOfStates(const C& c)
      : Backbone<C, StateTransducer>(c),
        encoder{.wrapped_encoder = RelativeEncoder(c.stack(false))},
        decoder{.wrapped_decoder = CrossAttendingDecoder(c.stack(true))} {}
  WeightMap weight_map() const override {
    return {.base_model_prefix = "speecht5", .ignored = {"*.prenet.*", "*_postnet.*"}};
  }
  Seq2SeqOutput forward(const SpeakingInputs& in) const override { return transduce(encoder, decoder, in); }
};

}  // namespace imago::nn
