// WordPiece as the reference trains it: by merges, like byte-pair encoding, of which only the vocabulary is kept.
#pragma once

#include "imago/tokenizers/trainers/bpe_trainer.h"

namespace imago::tokenizers {

class WordPieceTrainer final : public Trainer {
 public:
  // Without a continuing_subword_prefix in the options it is "##".
  explicit WordPieceTrainer(BpeTrainerOptions options);

  std::unique_ptr<Model> train(const WordCounts& words, const Model& untrained) const override;
  const std::vector<AddedToken>& special_tokens() const override { return options_.special_tokens; }
  bool show_progress() const override { return options_.show_progress; }

 private:
  BpeTrainerOptions options_;
};

}  // namespace imago::tokenizers
