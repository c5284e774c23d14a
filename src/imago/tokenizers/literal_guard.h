// Keeps control tokens out of text that is literal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "imago/tokenizers/pre_tokenized_string.h"
#include "imago/tokenizers/tokenizer_parts.h"

namespace imago::tokenizers {

class LiteralGuard {
 public:
  LiteralGuard(const LiteralText& literal, const TokenizerParts& parts) : literal_(literal), parts_(parts) {}

  // Says of added tokens found in a piece of the text whether they are refused. `offset` is where the piece begins in
  // the text; a normalized one knows where it comes from.
  AddedVocabulary::Refusal of_piece(uint32_t offset, const NormalizedString* normalized) const;

  // The model's tokens of a split. A vocabulary may hold control tokens as pieces like any other: text that is literal
  // is cut within what spells one.
  void tokenize(const PreTokenizedString& string, const PreTokenizedString::Split& split, ModelScratch& scratch,
                std::vector<ModelToken>& tokens) const;

 private:
  bool is_control(int32_t id) const;
  bool touches(size_t begin, size_t end) const;
  void tokenize_range(const PreTokenizedString& string, const PreTokenizedString::Split& split, uint32_t begin,
                      uint32_t end, ModelScratch& scratch, std::vector<ModelToken>& tokens) const;

  const LiteralText& literal_;
  const TokenizerParts& parts_;
};

}  // namespace imago::tokenizers
