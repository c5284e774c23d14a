// The most frequent words, each a token.
#pragma once

#include "imago/tokenizers/trainers/trainer.h"

namespace imago::tokenizers {

struct WordLevelTrainerOptions {
  size_t vocab_size = 30'000;
  uint64_t min_frequency = 0;
  std::vector<AddedToken> special_tokens;
  bool show_progress = true;
};

class WordLevelTrainer final : public Trainer {
 public:
  explicit WordLevelTrainer(WordLevelTrainerOptions options) : options_(std::move(options)) {}

  std::unique_ptr<Model> train(const WordCounts& words, const Model& untrained) const override;
  const std::vector<AddedToken>& special_tokens() const override { return options_.special_tokens; }
  bool show_progress() const override { return options_.show_progress; }

 private:
  WordLevelTrainerOptions options_;
};

}  // namespace imago::tokenizers
