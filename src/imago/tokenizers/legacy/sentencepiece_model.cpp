#include "imago/tokenizers/legacy/sentencepiece_model.h"

#include <fmt/core.h>

#include <bit>

#include "imago/base/error.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"

namespace imago::tokenizers {
namespace {

// The fields of one protocol buffer message, front to back. A message within it is read by a Message of its own: the
// nesting is that of the code, whatever the file says.
class Message {
 public:
  Message(std::string_view bytes, std::string_view where) : rest_(bytes), where_(where) {}

  // Goes to the next field; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t key = read_varint();
    const uint64_t number = key >> 3;
    if (number == 0 || number > kMaxFieldNumber) fail("a field has the number 0 or one out of range");
    number_ = static_cast<uint32_t>(number);
    wire_type_ = static_cast<uint32_t>(key & 7);
    switch (wire_type_) {
      case 0: value_ = read_varint(); break;
      case 1: bytes_ = take(8); break;
      case 2: bytes_ = take(read_varint()); break;
      case 5: bytes_ = take(4); break;
      default: fail(fmt::format("field {} has the wire type {}", number_, wire_type_));
    }
    return true;
  }

  uint32_t number() const { return number_; }
  std::string_view bytes() const { return of_type(2), bytes_; }
  bool boolean() const { return of_type(0), value_ != 0; }
  int32_t int32() const { return of_type(0), static_cast<int32_t>(static_cast<uint32_t>(value_)); }
  float float32() const {
    of_type(5);
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; ++i) bits |= static_cast<uint32_t>(static_cast<unsigned char>(bytes_[i])) << (8 * i);
    return std::bit_cast<float>(bits);
  }
  std::string string() const {
    if (!is_valid_utf8(bytes())) fail(fmt::format("field {} is not UTF-8", number_));
    return std::string(bytes_);
  }
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(ErrorKind::kInvalidFile, where_, what, "is it a SentencePiece model?");
  }

 private:
  static constexpr uint64_t kMaxFieldNumber = (uint64_t{1} << 29) - 1;

  uint64_t read_varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) fail("cut off within a number");
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    fail("a number has more than ten bytes");
  }

  std::string_view take(uint64_t size) {
    if (size > rest_.size()) fail(fmt::format("field {} is longer than what holds it", number_));
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  void of_type(uint32_t wire_type) const {
    if (wire_type_ != wire_type) fail(fmt::format("field {} has the wire type {}", number_, wire_type_));
  }

  std::string_view rest_;
  std::string_view where_;
  std::string_view bytes_;
  uint64_t value_ = 0;
  uint32_t number_ = 0;
  uint32_t wire_type_ = 0;
};

SentencePiece read_piece(std::string_view bytes, std::string_view where) {
  SentencePiece piece;
  for (Message field(bytes, where); field.next();) {
    switch (field.number()) {
      case 1: piece.text = field.string(); break;
      case 2: piece.score = field.float32(); break;
      case 3:
        if (field.int32() < 1 || field.int32() > 6) field.fail("a piece has an unknown type");
        piece.type = static_cast<SentencePiece::Type>(field.int32());
        break;
      default: break;
    }
  }
  return piece;
}

void read_trainer_spec(std::string_view bytes, std::string_view where, SentencePieceModel& model) {
  for (Message field(bytes, where); field.next();) {
    switch (field.number()) {
      case 3:
        if (field.int32() < 1 || field.int32() > 4) field.fail("the model's type is unknown");
        model.kind = static_cast<SentencePieceModel::Kind>(field.int32());
        break;
      case 24: model.treat_whitespace_as_suffix = field.boolean(); break;
      case 35: model.byte_fallback = field.boolean(); break;
      case 40: model.unk_id = field.int32(); break;
      case 41: model.bos_id = field.int32(); break;
      case 42: model.eos_id = field.int32(); break;
      case 43: model.pad_id = field.int32(); break;
      case 44: model.unk_surface = field.string(); break;
      case 45: model.unk_piece = field.string(); break;
      case 46: model.bos_piece = field.string(); break;
      case 47: model.eos_piece = field.string(); break;
      case 48: model.pad_piece = field.string(); break;
      default: break;
    }
  }
}

void read_normalizer_spec(std::string_view bytes, std::string_view where, SentencePieceModel& model) {
  for (Message field(bytes, where); field.next();) {
    switch (field.number()) {
      case 2: model.precompiled_charsmap = field.bytes(); break;
      case 3: model.add_dummy_prefix = field.boolean(); break;
      case 4: model.remove_extra_whitespaces = field.boolean(); break;
      case 5: model.escape_whitespaces = field.boolean(); break;
      default: break;
    }
  }
}

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view bytes, std::string_view where) {
  SentencePieceModel model;
  Message field(bytes, where);
  while (field.next()) {
    switch (field.number()) {
      case 1:
        if (static_cast<int64_t>(model.pieces.size()) >= kMaxVocabulary) {
          throw Error(ErrorKind::kLimitExceeded, where, "more than 4194304 pieces");
        }
        model.pieces.push_back(read_piece(field.bytes(), where));
        break;
      case 2: read_trainer_spec(field.bytes(), where, model); break;
      case 3: read_normalizer_spec(field.bytes(), where, model); break;
      default: break;
    }
  }
  if (model.pieces.empty()) field.fail("no pieces in it");
  return model;
}

}  // namespace imago::tokenizers
