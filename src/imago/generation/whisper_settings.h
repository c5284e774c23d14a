// What a Whisper checkpoint says about transcribing, and what a call asks for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imago/generation/generation_config.h"

namespace imago {

// generation_config.json of a Whisper checkpoint, and what a call asks for; names are the reference's.
struct WhisperSettings {
  GenerationConfig generation;
  std::optional<int64_t> no_timestamps_token_id, max_initial_timestamp_index, prev_sot_token_id;
  std::map<std::string, int64_t> lang_to_id, task_to_id;  // "<|en|>", "transcribe"
  bool is_multilingual = true;
  std::optional<bool> return_timestamps;              // none: where a sound is longer than a window
  std::optional<std::string> language, task;          // "en" or "english"; none: detected. "transcribe" or "translate"
  std::vector<std::optional<int64_t>> forced_prompt;  // of early files: tokens behind the first, none to be detected

  // Each is tried as long as the text before it packs too well or is too unlikely; 0 is no sampling.
  std::vector<double> temperatures = {0};
  std::optional<double> compression_ratio_threshold, logprob_threshold;
  // A window is passed over where its text is unlikely and silence is likelier than this.
  std::optional<double> no_speech_threshold;
  bool condition_on_prev_tokens = false;  // what was said before stands in front of the prompt

  bool return_token_timestamps = false;  // when each token was said, from the attention of alignment_heads
  std::vector<std::pair<int64_t, int64_t>> alignment_heads;  // (layer, head)

  int64_t window_frames = 0, max_target_positions = 0, vocab_size = 0, median_filter_width = 7;  // of config.json

  // Tokens from here on are times, 0.02 s apart.
  int64_t timestamp_begin() const;
  // Throws Error kInvalidArgument and kUnsupported for what contradicts itself or the checkpoint has not.
  void validate() const;

  // Throws Error kUnsupported for an option that is set and not known, and kInvalidFile.
  static WhisperSettings from_pretrained(const std::string& folder, const Config& model_config);
};

}  // namespace imago
