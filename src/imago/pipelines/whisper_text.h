// Whisper's tokens as text, in the chunks that its timestamps mark.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago {

struct SpeechChunk {
  std::string text;
  std::optional<double> begin, end;     // seconds; none where no timestamp says so
  std::optional<std::string> language;  // its English name
};

// `seconds_per_timestamp` is the time between neighbouring timestamps. Throws Error kUnsupported for a vocabulary
// without <|notimestamps|>.
std::vector<SpeechChunk> whisper_chunks(const PretrainedTokenizer& tokenizer, const std::vector<int64_t>& tokens,
                                        double seconds_per_timestamp);

}  // namespace imago
