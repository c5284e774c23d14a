// WordPiece (Schuster, Nakajima 2012), as BERT uses it: the longest token that begins the rest of the word, again and
// again; a word that cannot be cut so is one unknown token.
#pragma once

#include <string>

#include "imago/tokenizers/stages.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

struct WordPieceScratch;

class WordPiece final : public Model {
 public:
  struct Options {
    std::string unk_token = "[UNK]";
    std::string continuing_subword_prefix = "##";
    size_t max_input_chars_per_word = 100;
  };
  WordPiece(Options options, Vocabulary vocabulary);

  const Options& options() const { return options_; }

  std::unique_ptr<ModelScratch> make_scratch() const override;
  void tokenize(std::string_view piece, ModelScratch& scratch, std::vector<ModelToken>& tokens) const override;
  void tokenize_ids(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void write_json(JsonWriter& writer) const override;

 private:
  void cut(std::string_view piece, WordPieceScratch& scratch) const;
  int32_t unknown() const;

  Options options_;
  Vocabulary vocabulary_;
  int32_t unk_id_;
  // The longest tokens that can begin a word and continue one, in bytes of the word: what bounds the search.
  size_t max_first_ = 0, max_continuing_ = 0;
};

}  // namespace imago::tokenizers
