#include "imago/tokenizers/trainers/word_piece_trainer.h"

#include "imago/base/error.h"
#include "imago/tokenizers/models/word_piece.h"

namespace imago::tokenizers {

WordPieceTrainer::WordPieceTrainer(BpeTrainerOptions options) : options_(std::move(options)) {
  if (!options_.continuing_subword_prefix) options_.continuing_subword_prefix = "##";
}

std::unique_ptr<Model> WordPieceTrainer::train(const WordCounts& words, const Model& untrained) const {
  const auto* model = dynamic_cast<const WordPiece*>(&untrained);
  if (model == nullptr) throw Error(ErrorKind::kInvalidArgument, "WordPieceTrainer", "the model is no WordPiece");
  WordPiece::Options options = model->options();
  options.continuing_subword_prefix = *options_.continuing_subword_prefix;
  return std::make_unique<WordPiece>(std::move(options), learn_merges(options_, words).vocabulary);
}

}  // namespace imago::tokenizers
