// The split patterns of the large model families, cut by hand-written scanners in place of a regex engine.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace imago::tokenizers {

// Appends the ends of the ranges that the pattern cuts the text into (matches, and what lies between two matches).
// The text must be UTF-8.
using Scanner = void (*)(std::string_view text, std::vector<uint32_t>& ends);

struct KnownPattern {
  std::string_view name, pattern;
  Scanner scan;
  bool covers;  // every text is a row of matches, without anything between
};

// Null when there is no scanner for the pattern.
const KnownPattern* find_known_pattern(std::string_view pattern);

// All of them, for the tests that prove them equal to their regular expressions.
const std::vector<KnownPattern>& known_patterns();

// GPT-2's pattern, which the pre-tokenizer ByteLevel has built in.
extern const std::string_view kGpt2Pattern;

}  // namespace imago::tokenizers
