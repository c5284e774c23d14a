// The tokens with which Whisper's decoder begins: start, language, task, and whether there are timestamps.
#pragma once

#include <optional>
#include <vector>

#include "imago/generation/whisper_settings.h"
#include "imago/nn/speech_model.h"

namespace imago {

struct WhisperPrompt {
  std::vector<int64_t> tokens;
  std::optional<int64_t> language_id;  // of those tokens
};

// Of one sound whose first window is `encoded` [1, frames, D], which is asked for its language where the settings leave
// it open. Throws Error kInvalidArgument for a language or a task that the model has not.
WhisperPrompt whisper_prompt(const SpeechSeq2SeqLM& model, const Tensor& encoded, const WhisperSettings& settings);

}  // namespace imago
