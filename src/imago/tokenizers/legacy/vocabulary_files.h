// The plain files that held vocabularies before tokenizer.json: vocab.txt, vocab.json and merges.txt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

// Ids above this are refused before a table for them is made: no vocabulary comes near it.
inline constexpr int64_t kMaxVocabulary = int64_t{1} << 22;

// One token a line, the line's number is the id. White space at the end of a line is no part of the token, and of
// equal tokens the last counts.
Vocabulary parse_vocab_txt(std::string_view text, std::string_view where);

// An object of tokens and their ids.
Vocabulary parse_vocab_json(std::string_view text, std::string_view where);

// Two tokens a line with a space between, in order of rank; a first line "#version" is skipped. The views point into
// `text`. Throws Error kInvalidFile naming the line that is anything else.
std::vector<std::pair<std::string_view, std::string_view>> parse_merges_txt(std::string_view text,
                                                                            std::string_view where);

// The lines of a file, without their ends. Throws Error kInvalidFile for what is not UTF-8, kLimitExceeded for more
// lines than any vocabulary has.
std::vector<std::string_view> lines_of(std::string_view text, std::string_view where);

}  // namespace imago::tokenizers
