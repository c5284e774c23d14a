// Whisper's tokens as text, in the chunks that its timestamps mark.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "imago/pipelines/whisper_words.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago {

// What was heard in one sound, or in one of the windows that it was cut into.
struct WhisperTokens {
  struct Stride {
    double length = 0, left = 0, right = 0;  // seconds of the window, and that it shares with its neighbours
  };
  std::vector<int64_t> tokens;
  std::vector<float> token_times;  // when each ends, of words
  std::optional<Stride> stride;
};

struct SpeechChunk {
  std::string text;
  std::optional<double> begin, end;     // seconds; none where no timestamp says so
  std::optional<std::string> language;  // its English name
  std::vector<SpokenWord> words;
};

struct WhisperTextOptions {
  double seconds_per_timestamp = 0.02;
  bool timestamps = false, words = false;  // what is asked for; words are timestamps, too
  std::string language = "english";        // where the tokens do not say
};

// Windows are joined where they overlap. Throws Error kUnsupported for a vocabulary without <|notimestamps|>.
std::vector<SpeechChunk> whisper_chunks(const PretrainedTokenizer& tokenizer, const std::vector<WhisperTokens>& windows,
                                        const WhisperTextOptions& options);

}  // namespace imago
