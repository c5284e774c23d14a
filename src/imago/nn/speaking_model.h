// Models that speak: spectra of speech from texts or from other speech, and sound from spectra. B batch, T tokens or
// samples, S steps, F frames, M mel bands.
#pragma once

#include "imago/nn/model.h"

namespace imago {

class TorchGenerator;

struct SpeakingInputs {
  Tensor input_ids;                  // [B, T], or
  Tensor input_values;               // [B, T] samples
  Tensor attention_mask;             // [B, T] 0 is padding
  Tensor decoder_input_values;       // [B, S, M] the frames before, one of each step
  Tensor decoder_attention_mask;     // [B, S]
  Tensor speaker_embeddings;         // [B, size] the voice
  Tensor encoder_last_hidden_state;  // [B, tokens, D] instead of running the encoder
  Tensor labels;                     // [B, F, M] gives a loss; -100 is padding
  KeyValueCache* past_key_values = nullptr;
  // What is dropped even outside of training is drawn from here; where it is null, as after a seed of 0.
  TorchGenerator* generator = nullptr;
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  FIELDS(input_ids, input_values, attention_mask, decoder_input_values, decoder_attention_mask, speaker_embeddings,
         encoder_last_hidden_state, labels)
};

struct SpectrogramOutput {
  Tensor loss;
  Tensor spectrogram;  // [B, F, M]
  Tensors decoder_hidden_states, decoder_attentions, cross_attentions;
  Tensor encoder_last_hidden_state;
  Tensors encoder_hidden_states, encoder_attentions;
  FIELDS(loss, spectrogram, decoder_hidden_states, decoder_attentions, cross_attentions, encoder_last_hidden_state,
         encoder_hidden_states, encoder_attentions)
};

// How speech is generated.
struct SpeakingOptions {
  double threshold = 0.5;                    // of the probability that it ends
  double minlenratio = 0, maxlenratio = 20;  // frames for each state of the encoder
  uint64_t seed = 0;                         // of what is dropped: torch.manual_seed
};

struct SpectrogramModel : CallableModel<SpeakingInputs, SpectrogramOutput> {
  // The frames [F, M] of each row, until it ends. Throws Error kInvalidArgument for missing inputs.
  virtual Tensors generate_speech(const SpeakingInputs& inputs, const SpeakingOptions& options) const = 0;
};
struct TextToSpectrogram : SpectrogramModel {
  static constexpr const char* kAutoClass = "AutoModelForTextToSpectrogram";
};

struct VocoderInputs {
  Tensor spectrogram;  // [B, F, M]
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  FIELDS(spectrogram)
};
struct VocoderOutput {
  Tensor waveform;  // [B, samples]
  FIELDS(waveform)
};
struct Vocoder : CallableModel<VocoderInputs, VocoderOutput> {
  virtual int64_t sampling_rate() const = 0;
};

}  // namespace imago
