// Which of Whisper's timestamps may come next.
#pragma once

#include <optional>
#include <span>

#include "imago/generation/logits_processors.h"

namespace imago {

// Timestamps come in pairs, never go back, and come where together they are likelier than any word.
struct WhisperTimestampRules {
  int64_t begin = 0, end_of_text = 0;
  std::optional<int64_t> max_initial;

  void operator()(const SequenceState& state, std::span<float> scores) const;
};

}  // namespace imago
