// Whisper's decoder on sounds that its encoder has heard.
#pragma once

#include "imago/generation/decoder_session.h"
#include "imago/nn/speech_model.h"

namespace imago {

class SpeechSession final : public DecoderSession {
 public:
  // encoded [R, frames, D]
  SpeechSession(const SpeechSeq2SeqLM& model, Tensor encoded, const std::string& cache_dtype = {})
      : DecoderSession(cache_dtype), model_(model), encoded_(std::move(encoded)) {}

 private:
  Tensor forward(const Tensor& new_ids) override;
  void select_inputs(const Tensor& indices) override;

  const SpeechSeq2SeqLM& model_;
  Tensor encoded_;
};

}  // namespace imago
