// The substrings that a unigram model is seeded with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace imago::tokenizers {

// The substrings of 2 to max_length characters that occur in the words more than once, and not always with the same
// character behind (the end of a word being one): the inner nodes of their suffix tree. Each word counts once. The best
// come first: by occurrences times characters, then by code points, descending.
struct FrequentSubstring {
  std::u32string text;
  uint32_t score;
};
std::vector<FrequentSubstring> frequent_substrings(std::span<const std::u32string> words, size_t max_length,
                                                   size_t max_count);

}  // namespace imago::tokenizers
