// SentencePiece's .model files: a protocol buffer (sentencepiece_model.proto, ModelProto) with the pieces, how the
// model was trained and how text is normalized for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace imago::tokenizers {

struct SentencePiece {
  enum class Type : uint8_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };
  std::string text;
  float score = 0;
  Type type = Type::kNormal;
};

struct SentencePieceModel {
  enum class Kind : uint8_t { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

  std::vector<SentencePiece> pieces;  // the position is the id
  // TrainerSpec
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false;
  bool treat_whitespace_as_suffix = false;
  int32_t unk_id = 0, bos_id = 1, eos_id = 2, pad_id = -1;  // -1: there is none
  std::string unk_piece = "<unk>", bos_piece = "<s>", eos_piece = "</s>", pad_piece = "<pad>";
  std::string unk_surface = " \u2047 ";  // what the unknown piece decodes to
  // NormalizerSpec
  std::string precompiled_charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
};

// Throws Error kInvalidFile for what is no such message or has no pieces, kLimitExceeded for more pieces than any
// vocabulary has. Fields that are unknown are skipped, as the wire format asks for.
SentencePieceModel parse_sentencepiece_model(std::string_view bytes, std::string_view where);

}  // namespace imago::tokenizers
