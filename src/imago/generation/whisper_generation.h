// Speech to tokens as Whisper does it (Radford et al. 2022, section 4.5): the language is asked for first, timestamps
// come in pairs, a long sound is heard window by window, each from where the last timestamp was, and a text that
// repeats itself or is unlikely is tried again at a higher temperature.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "imago/generation/whisper_settings.h"
#include "imago/nn/speech_model.h"

namespace imago {

struct WhisperSound {
  Tensor input_features;     // [1, bands, frames]
  int64_t heard_frames = 0;  // how many of them are sound; the others are padding
};

struct Transcription {
  std::vector<int64_t> tokens;         // without the prompt and the end; of all windows
  std::vector<float> token_times;      // of settings with return_token_timestamps: when each ends, in seconds
  std::optional<int64_t> language_id;  // that was detected or asked for
};

// Of sounds of any lengths, whose windows are computed together. Throws Error kInvalidArgument for a language or task
// that the model has not, and for a sound longer than a window without timestamps.
std::vector<Transcription> transcribe(const SpeechSeq2SeqLM& model, std::span<const WhisperSound> sounds,
                                      const WhisperSettings& settings);

}  // namespace imago
