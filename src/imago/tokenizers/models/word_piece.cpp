#include "imago/tokenizers/models/word_piece.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/models/vocabulary_json.h"
#include "imago/tokenizers/models/word_cache.h"

namespace imago::tokenizers {

struct WordPieceScratch : ModelScratch {
  WordCache cache;
  std::vector<ModelToken> tokens;
  std::vector<int32_t> ids;
  std::string spelled;
};

namespace {

bool is_boundary(std::string_view text, size_t at) {
  return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

}  // namespace

WordPiece::WordPiece(Options options, Vocabulary vocabulary)
    : options_(std::move(options)), vocabulary_(std::move(vocabulary)), unk_id_(vocabulary_.find(options_.unk_token)) {
  max_first_ = vocabulary_.max_token_size();
  const std::string& prefix = options_.continuing_subword_prefix;
  for (int32_t id = 0; id < vocabulary_.id_limit(); ++id) {
    if (!vocabulary_.contains_id(id) || !vocabulary_.token(id).starts_with(prefix)) continue;
    max_continuing_ = std::max(max_continuing_, vocabulary_.token(id).size() - prefix.size());
  }
}

std::unique_ptr<ModelScratch> WordPiece::make_scratch() const { return std::make_unique<WordPieceScratch>(); }

int32_t WordPiece::unknown() const {
  if (unk_id_ == Vocabulary::kNone) {
    throw Error(ErrorKind::kInvalidFile, "WordPiece",
                "the unk_token '" + options_.unk_token + "' is not in the vocabulary, and the text needs it");
  }
  return unk_id_;
}

// Leaves the tokens of the piece in scratch.tokens.
void WordPiece::cut(std::string_view piece, WordPieceScratch& scratch) const {
  scratch.tokens.clear();
  const auto size = static_cast<uint32_t>(piece.size());
  if (count_utf8(piece) > options_.max_input_chars_per_word) {
    scratch.tokens.push_back({unknown(), 0, size});
    return;
  }
  for (uint32_t begin = 0; begin < size;) {
    const size_t longest = std::min(piece.size() - begin, begin == 0 ? max_first_ : max_continuing_);
    const size_t prefix = begin == 0 ? 0 : options_.continuing_subword_prefix.size();
    scratch.spelled.assign(options_.continuing_subword_prefix, 0, prefix);
    scratch.spelled.append(piece, begin, longest);
    int32_t id = Vocabulary::kNone;
    uint32_t end = begin + static_cast<uint32_t>(longest);
    for (; end > begin; --end) {
      if (!is_boundary(piece, end)) continue;
      id = vocabulary_.find(std::string_view(scratch.spelled).substr(0, prefix + end - begin));
      if (id != Vocabulary::kNone) break;
    }
    if (id == Vocabulary::kNone) {
      scratch.tokens.assign(1, {unknown(), 0, size});
      return;
    }
    scratch.tokens.push_back({id, begin, end});
    begin = end;
  }
}

void WordPiece::tokenize(std::string_view piece, ModelScratch& base, std::vector<ModelToken>& tokens) const {
  auto& scratch = static_cast<WordPieceScratch&>(base);
  const auto size = static_cast<uint32_t>(piece.size());
  WordCache::Entry* entry = nullptr;
  if (WordCache::fits(piece)) {
    bool found = false;
    entry = &scratch.cache.find(piece, found);
    if (found) {
      uint32_t begin = 0;
      for (size_t i = 0; i < entry->count; ++i) {
        const auto length = static_cast<uint32_t>(vocabulary_.token(entry->ids[i]).size() -
                                                  (i > 0 ? options_.continuing_subword_prefix.size() : 0));
        const uint32_t end = i + 1 == entry->count ? size : begin + length;
        tokens.push_back({entry->ids[i], begin, end});
        begin = end;
      }
      return;
    }
  }
  cut(piece, scratch);
  tokens.insert(tokens.end(), scratch.tokens.begin(), scratch.tokens.end());
  if (entry == nullptr) return;
  scratch.ids.clear();
  for (const ModelToken& token : scratch.tokens) scratch.ids.push_back(token.id);
  WordCache::put(*entry, piece.size(), scratch.ids, 0);
}

void WordPiece::tokenize_ids(std::string_view piece, ModelScratch& base, std::vector<int32_t>& ids) const {
  auto& scratch = static_cast<WordPieceScratch&>(base);
  WordCache::Entry* entry = nullptr;
  if (WordCache::fits(piece)) {
    bool found = false;
    entry = &scratch.cache.find(piece, found);
    if (found) {
      ids.insert(ids.end(), entry->ids.begin(), entry->ids.begin() + entry->count);
      return;
    }
  }
  cut(piece, scratch);
  const size_t before = ids.size();
  for (const ModelToken& token : scratch.tokens) ids.push_back(token.id);
  if (entry != nullptr) WordCache::put(*entry, piece.size(), {ids.data() + before, ids.size() - before}, 0);
}

void WordPiece::write_json(JsonWriter& writer) const {
  writer.begin_stage("WordPiece");
  writer.member("unk_token", options_.unk_token);
  writer.member("continuing_subword_prefix", options_.continuing_subword_prefix);
  writer.member("max_input_chars_per_word", options_.max_input_chars_per_word);
  write_vocab(vocabulary_, writer);
  writer.end_object();
}

}  // namespace imago::tokenizers
