// The words of a text and how often each occurs: what every trainer learns from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/tokenizers/vocabulary.h"

namespace imago {
struct TokenizerParts;
}

namespace imago::tokenizers {

class WordCounts {
 public:
  void add(std::string_view word, uint64_t count = 1);

  struct Word {
    std::string_view text;
    uint64_t count;
  };
  // In the order of their bytes, so that training does not depend on how the text was divided among threads.
  std::vector<Word> sorted() const;
  size_t size() const { return counts_.size(); }

 private:
  Vocabulary words_;
  std::vector<uint64_t> counts_;
  size_t bytes_ = 0;
};

// Normalizes and cuts texts as the tokenizer does, and counts the pieces.
class WordCounter {
 public:
  explicit WordCounter(TokenizerParts& parts);

  // Several texts at once. Throws Error kInvalidArgument for text that is not UTF-8, and what the stages throw.
  void count(std::span<const std::string_view> texts);
  WordCounts finish();

 private:
  struct Worker {
    WordCounts pieces, added_tokens;
  };
  void count_text(std::string_view text, Worker& worker) const;

  const TokenizerParts& parts_;
  bool raw_bytes_;  // pieces come as bytes, and are spelled for a byte-level vocabulary once each at the end
  std::vector<Worker> workers_;
};

}  // namespace imago::tokenizers
