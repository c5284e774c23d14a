// Speech to tokens as Whisper does it (Radford et al. 2022, section 4.5): the language is asked for first, timestamps
// come in pairs, and a long sound is heard window by window, each from where the last timestamp was.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "imago/base/json.h"
#include "imago/generation/generation_config.h"
#include "imago/nn/speech_model.h"

namespace imago {

// generation_config.json of a Whisper checkpoint, and what a call asks for.
struct WhisperSettings {
  GenerationConfig generation;
  std::optional<int64_t> no_timestamps_token_id, max_initial_timestamp_index;
  std::map<std::string, int64_t> lang_to_id, task_to_id;  // "<|en|>", "transcribe"
  bool is_multilingual = true;
  std::optional<bool> return_timestamps;              // none: where a sound is longer than a window
  std::optional<std::string> language, task;          // "en" or "english"; none: detected. "transcribe" or "translate"
  std::vector<std::optional<int64_t>> forced_prompt;  // of early files: tokens behind the first, none to be detected
  int64_t window_frames = 0, max_target_positions = 0;  // of config.json

  // Throws Error kUnsupported for an option that is set and not known, and kInvalidFile.
  static WhisperSettings from_pretrained(const std::string& folder, const Config& model_config);
};

struct Transcription {
  std::vector<int64_t> tokens;         // without the prompt and the end; of all windows
  std::optional<int64_t> language_id;  // that was detected or asked for
};

// input_features [1, bands, frames]. Throws Error kInvalidArgument for a language or task that the model has not, and
// for a sound longer than a window without timestamps.
Transcription transcribe(const SpeechSeq2SeqLM& model, const Tensor& input_features, const WhisperSettings& settings);

}  // namespace imago
