// From scores of tokens to entities of words: the aggregation strategies of token classification.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/pipelines/text_characters.h"
#include "imago/tokenizers/tokenizer.h"

namespace imago {

// none: tokens as they are. simple: neighbours of one tag together. The others let a word's tokens agree first: on the
// tag of its first token, of the best average score, or of the token with the highest score.
enum class AggregationStrategy { kNone, kSimple, kFirst, kAverage, kMax };

// Throws Error kInvalidArgument for another name than those.
AggregationStrategy parse_aggregation_strategy(std::string_view name);

struct TokenScores {
  std::string word;            // the token as the vocabulary spells it
  std::vector<float> scores;   // by label
  int64_t start = 0, end = 0;  // characters of the text
  int64_t index = 0;           // in the encoding
  bool is_subword = false;     // continues the word before
};

struct Entity {
  std::string label;  // with its B- or I- until it is grouped
  float score = 0;
  int64_t index = 0;
  std::string word;
  int64_t start = 0, end = 0;
};

class TokenGroups {
 public:
  TokenGroups(Tokenizer tokenizer, const std::optional<std::string>& unk_token, std::vector<std::string> labels);

  TokenScores token(const Encoding& encoding, size_t index, const TextCharacters& text,
                    std::vector<float> scores) const;
  std::vector<Entity> aggregate(const std::vector<TokenScores>& tokens, AggregationStrategy strategy) const;

 private:
  Entity entity_of(const TokenScores& token, const std::vector<float>& scores) const;
  Entity entity_of_word(const std::vector<TokenScores>& word, AggregationStrategy strategy) const;
  std::vector<Entity> group(const std::vector<Entity>& entities) const;
  Entity merged(const std::vector<Entity>& entities) const;
  std::string joined(std::vector<std::string> tokens) const;

  Tokenizer tokenizer_;
  std::optional<int32_t> unk_id_;
  std::vector<std::string> labels_;
  bool marks_subwords_;  // the vocabulary spells tokens within a word otherwise than those that begin one
};

// Of entities that overlap, as neighbouring windows give them, the longer one, of equally long ones the surer.
std::vector<Entity> without_overlaps(std::vector<Entity> entities);

}  // namespace imago
