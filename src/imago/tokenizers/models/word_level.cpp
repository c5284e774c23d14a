#include "imago/tokenizers/models/word_level.h"

#include "imago/base/error.h"
#include "imago/tokenizers/json_writer.h"
#include "imago/tokenizers/models/vocabulary_json.h"

namespace imago::tokenizers {

WordLevel::WordLevel(Vocabulary vocabulary, std::string unk_token)
    : vocabulary_(std::move(vocabulary)), unk_token_(std::move(unk_token)), unk_id_(vocabulary_.find(unk_token_)) {}

int32_t WordLevel::find(std::string_view piece) const {
  const int32_t id = vocabulary_.find(piece);
  if (id != Vocabulary::kNone) return id;
  if (unk_id_ == Vocabulary::kNone) {
    throw Error(ErrorKind::kInvalidFile, "WordLevel",
                "the unk_token '" + unk_token_ + "' is not in the vocabulary, and the text needs it");
  }
  return unk_id_;
}

void WordLevel::tokenize(std::string_view piece, ModelScratch& /*scratch*/, std::vector<ModelToken>& tokens) const {
  tokens.push_back({find(piece), 0, static_cast<uint32_t>(piece.size())});
}

void WordLevel::tokenize_ids(std::string_view piece, ModelScratch& /*scratch*/, std::vector<int32_t>& ids) const {
  ids.push_back(find(piece));
}

void WordLevel::write_json(JsonWriter& writer) const {
  writer.begin_stage("WordLevel");
  write_vocab(vocabulary_, writer);
  writer.member("unk_token", unk_token_);
  writer.end_object();
}

}  // namespace imago::tokenizers
