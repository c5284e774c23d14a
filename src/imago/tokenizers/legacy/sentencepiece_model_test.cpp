#include "imago/tokenizers/legacy/sentencepiece_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "imago/base/error.h"
#include "imago/tokenizers/legacy/vocabulary_builders.h"

namespace imago::tokenizers {
namespace {

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes += static_cast<char>(value);
}

std::string number(uint32_t field, uint64_t value) { return varint(field << 3) + varint(value); }

std::string bytes(uint32_t field, std::string_view value) {
  return varint(field << 3 | 2) + varint(value.size()) + std::string(value);
}

std::string float32(uint32_t field, float value) {
  std::string text = varint(field << 3 | 5) + std::string(4, '\0');
  std::memcpy(text.data() + text.size() - 4, &value, 4);
  return text;
}

std::string piece(std::string_view text, float score, uint64_t type = 1) {
  return bytes(1, bytes(1, text) + float32(2, score) + number(3, type));
}

// Four pieces, and what SentencePiece writes of a trainer and a normalizer.
std::string small_model(uint64_t kind = 1, uint64_t unk_id = 0, float score = -1.5F) {
  return piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("\u2581a", score) + piece("<0x41>", -3, 6) +
         bytes(2,
               number(3, kind) + number(35, 1) + number(40, unk_id) + number(43, ~uint64_t{0}) + bytes(45, "<unk>")) +
         bytes(3, bytes(2, "map") + number(3, 0) + number(4, 0)) + bytes(9, "unknown") + number(200, 7);
}

ErrorKind refusal(const std::string& file) {
  try {
    parse_sentencepiece_model(file, "test");
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::kInternal;
}

TEST(SentencePieceModel, ReadsPiecesAndSettingsAndSkipsWhatItDoesNotKnow) {
  const SentencePieceModel model = parse_sentencepiece_model(small_model(2, 3), "test");
  ASSERT_EQ(model.pieces.size(), 4u);
  EXPECT_EQ(model.pieces[2].text, "\u2581a");
  EXPECT_EQ(model.pieces[2].score, -1.5F);
  EXPECT_EQ(model.pieces[1].type, SentencePiece::Type::kControl);
  EXPECT_EQ(model.pieces[3].type, SentencePiece::Type::kByte);
  EXPECT_EQ(model.kind, SentencePieceModel::Kind::kBpe);
  EXPECT_EQ(model.unk_id, 3);
  EXPECT_EQ(model.pad_id, -1);
  EXPECT_TRUE(model.byte_fallback);
  EXPECT_EQ(model.precompiled_charsmap, "map");
  EXPECT_FALSE(model.add_dummy_prefix);
  EXPECT_FALSE(model.remove_extra_whitespaces);
}

// The defaults are those of sentencepiece_model.proto.
TEST(SentencePieceModel, WhatIsAbsentHasTheFormatsDefault) {
  const SentencePieceModel model = parse_sentencepiece_model(bytes(1, ""), "test");
  EXPECT_EQ(model.pieces[0].text, "");
  EXPECT_EQ(model.pieces[0].type, SentencePiece::Type::kNormal);
  EXPECT_EQ(model.kind, SentencePieceModel::Kind::kUnigram);
  EXPECT_EQ(model.bos_id, 1);
  EXPECT_EQ(model.eos_piece, "</s>");
  EXPECT_TRUE(model.add_dummy_prefix && model.remove_extra_whitespaces && model.escape_whitespaces);
}

// Cut between fields a message is whole again, and shorter; cut within one it is refused.
TEST(SentencePieceModel, ATruncatedFileIsShorterOrRefused) {
  const std::string whole = small_model();
  int refused = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    try {
      EXPECT_LE(parse_sentencepiece_model(whole.substr(0, size), "test").pieces.size(), 4u);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidFile) << error.what();
      ++refused;
    }
  }
  EXPECT_EQ(refused, static_cast<int>(whole.size()) - 7);  // seven cuts lie between fields, behind a first piece
}

TEST(SentencePieceModel, MalformedMessagesAreRefused) {
  const std::string files[] = {"",
                               "not a protocol buffer",
                               number(7, 1),                                         // no pieces
                               varint(1 << 3 | 2) + varint(1000) + "short",          // longer than the file
                               varint(1 << 3 | 2) + varint(~uint64_t{0}) + "short",  // than memory
                               bytes(1, varint(1 << 3 | 2) + varint(100) + "a"),     // than the message around it
                               bytes(1, varint(3 << 3)),                             // a number without its bytes
                               std::string(11, '\xff'),                              // a number of eleven bytes
                               number(0, 1),                                         // a field 0
                               varint(uint64_t{1} << 33),                            // a field out of range
                               varint(1 << 3 | 3),  // groups, and wire types that there are not
                               varint(1 << 3 | 4),
                               varint(1 << 3 | 7),
                               number(1, 5),                // a piece that is a number
                               bytes(1, number(1, 5)),      // a text that is one
                               bytes(1, bytes(2, "abcd")),  // a score that is a text
                               bytes(1, bytes(1, "\xff")),  // not UTF-8
                               bytes(1, number(3, 0)),      // types that there are not
                               bytes(1, number(3, 7)),
                               piece("a", 0) + bytes(2, number(3, 5)),
                               piece("a", 0) + bytes(2, bytes(45, "\xc3")),
                               piece("a", 0) + bytes(3, number(2, 1))};
  for (const std::string& file : files)
    EXPECT_EQ(refusal(file), ErrorKind::kInvalidFile) << testing::PrintToString(file);
}

// What the message may say and no tokenizer can be made of.
TEST(SentencePieceModel, ModelsThatLieMakeNoTokenizer) {
  const std::string files[] = {small_model(1, 4),    small_model(1, ~uint64_t{0}),
                               small_model(2, 1000), small_model(1, 0, std::numeric_limits<float>::quiet_NaN()),
                               small_model(3),       small_model(4)};
  for (const std::string& file : files) {
    const SentencePieceModel model = parse_sentencepiece_model(file, "test");
    try {
      const LegacyTokenizer legacy = build_sentencepiece(model);
      const Encoding encoding = legacy.tokenizer.encode("a b \u4e2d");
      for (const int32_t id : encoding.ids) EXPECT_LT(id, 4);
    } catch (const Error& error) {
      EXPECT_NE(error.kind(), ErrorKind::kInternal) << error.what();
    }
  }
}

// Its merges would be counted by the square of its length.
TEST(SentencePieceModel, APieceOfManyCharactersIsRefusedAsABpeModel) {
  const std::string file = piece("<unk>", 0, 2) + piece(std::string(100000, 'a'), -1) + bytes(2, number(3, 2));
  try {
    build_sentencepiece(parse_sentencepiece_model(file, "test"));
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kLimitExceeded) << error.what();
  }
}

}  // namespace
}  // namespace imago::tokenizers
