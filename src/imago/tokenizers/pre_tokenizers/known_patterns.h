// The split patterns of the large model families, cut by hand-written scanners in place of a regex engine.
#pragma once

#include <string_view>
#include <vector>

#include "imago/tokenizers/pre_tokenized_string.h"

namespace imago::tokenizers {

struct KnownPattern {
  std::string_view name, pattern;
  const Scanner* scanner;  // cuts into matches and what lies between two matches
  bool covers;             // every text is a row of matches, without anything between
};

// Null when there is no scanner for the pattern.
const KnownPattern* find_known_pattern(std::string_view pattern);

// All of them, for the tests that prove them equal to their regular expressions.
const std::vector<KnownPattern>& known_patterns();

// GPT-2's pattern, which the pre-tokenizer ByteLevel has built in.
extern const std::string_view kGpt2Pattern;

}  // namespace imago::tokenizers
