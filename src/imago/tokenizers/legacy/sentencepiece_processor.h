// A SentencePiece model at work as its own library has it (Kudo and Richardson 2018; version 0.2): what the reference's
// tokenizer classes in Python call. Tokenizers that have a tokenizer.json are built of that format's stages, which
// differ from this in corners.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/thread_pool.h"  // FunctionRef
#include "imago/tokenizers/added_vocabulary.h"
#include "imago/tokenizers/character_map.h"
#include "imago/tokenizers/legacy/sentencepiece_model.h"
#include "imago/tokenizers/models/longest_by_front.h"
#include "imago/tokenizers/normalized_string.h"
#include "imago/tokenizers/vocabulary.h"

namespace imago::tokenizers {

class SentencePieceProcessor {
 public:
  // Throws Error kUnsupported for models of words and for spaces that stand behind words, kInvalidFile where the
  // unknown piece is missing.
  explicit SentencePieceProcessor(SentencePieceModel model, std::string_view where);

  // The text as the model sees it, with "\u2581" for spaces. `from`, where it is not null, gets for each byte the bytes
  // of the text that it stands for.
  std::string normalize(std::string_view text, std::vector<Alignment>* from) const;

  // Cuts normalized text: calls emit(name, begin, end) for each piece. Unknown characters in a row are one piece whose
  // name is their text, or the pieces of their bytes where the model has these.
  using Emit = FunctionRef<void(std::string_view name, uint32_t begin, uint32_t end)>;
  void cut(std::string_view normalized, Emit emit) const;

  // Text from pieces; names that are no piece stand for themselves.
  std::string decode(std::span<const std::string> names) const;

  int32_t id_of(std::string_view name) const;  // the unknown piece's where it is none
  const SentencePieceModel& model() const { return model_; }

 private:
  struct Cut {
    uint32_t begin, end;
    int32_t id;
  };
  std::string_view next_normalized(std::string_view rest, size_t& consumed) const;
  std::vector<Cut> best_path(std::string_view text) const;
  std::vector<Cut> merged_pairs(std::string_view text) const;
  std::vector<Cut> characters(std::string_view text) const;
  // How long the user-defined piece, or else the character, at the front is.
  size_t first_unit(std::string_view text, bool& user_defined) const;
  SentencePiece::Type type(int32_t id) const { return model_.pieces[static_cast<size_t>(id)].type; }

  SentencePieceModel model_;
  CharacterMap character_map_;
  StringMatcher user_defined_;
  Vocabulary pieces_;    // found in text
  Vocabulary reserved_;  // the unknown, control and byte pieces
  int32_t unk_id_ = -1;
  float min_score_ = 0, max_score_ = 0;
  std::array<int32_t, 256> bytes_{};
  LongestByFront longest_;
};

}  // namespace imago::tokenizers
