// One token per piece.
#pragma once

#include <string>

#include "imago/tokenizers/stages.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

class WordLevel final : public Model {
 public:
  WordLevel(Vocabulary vocabulary, std::string unk_token);

  const std::string& unk_token() const { return unk_token_; }

  std::unique_ptr<ModelScratch> make_scratch() const override { return std::make_unique<ModelScratch>(); }
  void tokenize(std::string_view piece, ModelScratch& scratch, std::vector<ModelToken>& tokens) const override;
  void tokenize_ids(std::string_view piece, ModelScratch& scratch, std::vector<int32_t>& ids) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void write_json(JsonWriter& writer) const override;

 private:
  int32_t find(std::string_view piece) const;

  Vocabulary vocabulary_;
  std::string unk_token_;
  int32_t unk_id_;
};

}  // namespace imago::tokenizers
