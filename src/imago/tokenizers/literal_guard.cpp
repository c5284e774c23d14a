#include "imago/tokenizers/literal_guard.h"

#include <algorithm>

#include "imago/base/unicode.h"
#include "imago/tokenizers/normalized_string.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

bool LiteralGuard::is_control(int32_t id) const {
  const auto added = parts_.added_vocabulary.tokens().find(id);
  return (added != parts_.added_vocabulary.tokens().end() && added->second.special) ||
         std::binary_search(literal_.control_tokens.begin(), literal_.control_tokens.end(), id);
}

bool LiteralGuard::touches(size_t begin, size_t end) const {
  const auto range = std::partition_point(literal_.ranges.begin(), literal_.ranges.end(),
                                          [&](const ByteRange& candidate) { return candidate.end <= begin; });
  return range != literal_.ranges.end() && range->begin < end;
}

AddedVocabulary::Refusal LiteralGuard::of_piece(uint32_t offset, const NormalizedString* normalized) const {
  return [this, offset, normalized](const AddedToken& token, size_t begin, size_t end) {
    if (!is_control(token.id)) return false;
    if (normalized == nullptr) return touches(offset + begin, offset + end);
    return touches(normalized->alignments()[begin].begin, normalized->alignments()[end - 1].end);
  };
}

void LiteralGuard::tokenize(const PreTokenizedString& string, const PreTokenizedString::Split& split,
                            ModelScratch& scratch, std::vector<ModelToken>& tokens) const {
  tokenize_range(string, split, 0, split.end - split.begin, scratch, tokens);
}

// Recurses into ranges that are shorter than a control token's text is long, or have none any more.
void LiteralGuard::tokenize_range(const PreTokenizedString& string, const PreTokenizedString::Split& split,
                                  uint32_t begin, uint32_t end, ModelScratch& scratch,
                                  std::vector<ModelToken>& tokens) const {
  const std::string_view text = string.text(split);
  const size_t first = tokens.size();
  parts_.model->tokenize(text.substr(begin, end - begin), scratch, tokens);
  std::vector<uint32_t> cuts;
  for (size_t i = first; i < tokens.size(); ++i) {
    ModelToken& token = tokens[i];
    token.begin += begin;
    token.end += begin;
    if (!is_control(token.id)) continue;
    const std::string_view spelled = text.substr(token.begin, token.end - token.begin);
    if (spelled != parts_.model->vocabulary().token(token.id)) continue;  // the unknown token, of other text
    const uint32_t character = static_cast<uint32_t>(decode_utf8(spelled).size);
    const Alignment where = string.align(split, token.begin, token.end);
    if (spelled.size() > character && touches(where.begin, where.end)) cuts.push_back(token.begin + character);
  }
  if (cuts.empty()) return;
  tokens.resize(first);
  cuts.push_back(end);
  for (const uint32_t cut : cuts) {
    tokenize_range(string, split, begin, cut, scratch, tokens);
    begin = cut;
  }
}

}  // namespace imago::tokenizers
