// Byte-pair encoding (Sennrich, Haddow, Birch 2016): the most frequent pair of neighbouring tokens becomes a token,
// again and again; among equally frequent ones the pair with the smallest ids.
#pragma once

#include <optional>

#include "imago/tokenizers/models/merge_table.h"
#include "imago/tokenizers/trainers/trainer.h"

namespace imago::tokenizers {

struct BpeTrainerOptions {
  size_t vocab_size = 30'000;
  uint64_t min_frequency = 0;  // of a pair that is merged
  std::vector<AddedToken> special_tokens;
  std::optional<size_t> limit_alphabet;    // characters to keep, the most frequent
  std::vector<char32_t> initial_alphabet;  // characters to have even when the text has none of them
  std::optional<std::string> continuing_subword_prefix;
  std::optional<std::string> end_of_word_suffix;
  // A token that a merge makes grows no further once it would have this many characters.
  std::optional<size_t> max_token_length;
  bool show_progress = true;
};

struct LearnedMerges {
  Vocabulary vocabulary;
  std::vector<MergeRule> merges;
};

// The reference goes through its words in random order, which shows in two places; here both are settled: characters
// with a prefix or suffix get their ids in the order in which the sorted words have them, and of equally rare
// characters beyond limit_alphabet those with the higher code points go.
LearnedMerges learn_merges(const BpeTrainerOptions& options, const WordCounts& words);

class BpeTrainer final : public Trainer {
 public:
  explicit BpeTrainer(BpeTrainerOptions options) : options_(std::move(options)) {}

  std::unique_ptr<Model> train(const WordCounts& words, const Model& untrained) const override;
  const std::vector<AddedToken>& special_tokens() const override { return options_.special_tokens; }
  bool show_progress() const override { return options_.show_progress; }

 private:
  BpeTrainerOptions options_;
};

}  // namespace imago::tokenizers
