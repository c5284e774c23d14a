// What a second look at a window's text says of it: how likely it is, how well it packs, whether anything was said at
// all, and when.
#pragma once

#include <vector>

#include "imago/generation/generate.h"
#include "imago/generation/whisper_settings.h"
#include "imago/nn/speech_model.h"

namespace imago {

// A window's text as it was generated.
struct WhisperAttempt {
  std::vector<int64_t> prompt, tokens;  // the tokens with the end, if it was reached
  GenerationConfig config;              // that they were generated with
};

struct WhisperReview {
  double average_log_probability = 0;
  double no_speech_probability = 0;
  std::vector<float> end_times;  // of the tokens, in seconds; empty unless asked for
};

// Feeds the whole text to the decoder at once. `encoded` [1, frames, D]; `start_index` is where the prompt's start
// token stands; `heard_frames` of the features are sound.
WhisperReview review(const SpeechSeq2SeqLM& model, const Tensor& encoded, const WhisperAttempt& attempt,
                     const WhisperSettings& settings, const GenerationHooks& hooks, int64_t start_index,
                     int64_t heard_frames);

// How many times smaller zlib makes the tokens: much, where words are repeated.
double compression_ratio(const std::vector<int64_t>& tokens, int64_t vocab_size);

}  // namespace imago
