// Learning a tokenizer's vocabulary from text.
//
//   BpeTrainer trainer({.vocab_size = 8000, .special_tokens = {special_token("<s>")}});
//   Tokenizer trained = train_from_files(untrained, trainer, files);
//
// The untrained tokenizer says how text is normalized and cut into words; a trainer learns the vocabulary of one kind
// of model from them. The results are those of the reference's trainers, except where those are random from run to run:
// each trainer says where.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "imago/base/thread_pool.h"  // FunctionRef
#include "imago/tokenizers/tokenizer.h"
#include "imago/tokenizers/trainers/word_counts.h"

namespace imago::tokenizers {

class Model;

class Trainer {
 public:
  virtual ~Trainer() = default;

  // The trained model. Options that training does not settle are those of `untrained`.
  // Throws Error kInvalidArgument when it is of another kind, or when the options cannot be met.
  virtual std::unique_ptr<Model> train(const WordCounts& words, const Model& untrained) const = 0;

  virtual const std::vector<AddedToken>& special_tokens() const = 0;
  virtual bool show_progress() const = 0;
};

// A control token as trainers take it.
AddedToken special_token(std::string content);

// Trains on the texts that `next` gives until it returns false.
using TextSource = FunctionRef<bool(std::string& text)>;
Tokenizer train(const Tokenizer& untrained, const Trainer& trainer, TextSource next);

// Trains on files of text, each line with its ending being one text. Throws what MappedFile::open throws, and Error
// kInvalidArgument for a file that is not UTF-8.
Tokenizer train_from_files(const Tokenizer& untrained, const Trainer& trainer, std::span<const std::string> files);

}  // namespace imago::tokenizers
