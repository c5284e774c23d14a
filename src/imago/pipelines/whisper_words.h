// Tokens put together to words.
#pragma once

#include <string>
#include <vector>

#include "imago/pipelines/common_sequence.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago {

struct SpokenWord {
  std::string text;
  double begin = 0, end = 0;  // seconds
};

// Words end at spaces, of languages without them at each character; punctuation belongs to the word beside it.
// `language` is an English name.
std::vector<SpokenWord> whisper_words(const PretrainedTokenizer& tokenizer, const std::vector<TimedToken>& tokens,
                                      const std::string& language);

}  // namespace imago
