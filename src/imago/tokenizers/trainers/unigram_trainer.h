// The unigram language model (Kudo 2018): from many frequent substrings, expectation maximization and pruning keep
// those that explain the text best.
#pragma once

#include <optional>

#include "imago/tokenizers/trainers/trainer.h"

namespace imago::tokenizers {

struct UnigramTrainerOptions {
  size_t vocab_size = 8'000;
  size_t n_sub_iterations = 2;     // rounds of expectation maximization between prunings
  double shrinking_factor = 0.75;  // what a pruning leaves
  std::vector<AddedToken> special_tokens;
  std::vector<char32_t> initial_alphabet;
  std::optional<std::string> unk_token;
  size_t max_piece_length = 16;  // characters
  size_t seed_size = 1'000'000;
  bool show_progress = true;
};

// The reference sums over words in random order, so that its scores differ in their last digits from run to run, and
// with them the order of pieces that score the same. Here the order is that of the sorted words.
class UnigramTrainer final : public Trainer {
 public:
  explicit UnigramTrainer(UnigramTrainerOptions options) : options_(std::move(options)) {}

  // Throws Error kInvalidArgument also when vocab_size is too small for all characters of the text.
  std::unique_ptr<Model> train(const WordCounts& words, const Model& untrained) const override;
  const std::vector<AddedToken>& special_tokens() const override { return options_.special_tokens; }
  bool show_progress() const override { return options_.show_progress; }

 private:
  UnigramTrainerOptions options_;
};

}  // namespace imago::tokenizers
