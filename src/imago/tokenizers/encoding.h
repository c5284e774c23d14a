// What a tokenizer makes of a text, and the shortening and lengthening of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace imago {

// Where a token comes from in the text as it was given: characters (Unicode code points) [begin, end).
struct Offsets {
  uint32_t begin = 0, end = 0;
  bool operator==(const Offsets&) const = default;
};

// What becomes of a text that has more than max_length tokens.
struct Truncation {
  enum class Strategy { kLongestFirst, kOnlyFirst, kOnlySecond };
  enum class Direction { kLeft, kRight };

  size_t max_length = 512;  // of the whole encoding, special tokens among it
  Strategy strategy = Strategy::kLongestFirst;
  size_t stride = 0;  // tokens that neighbouring overflowing windows share
  Direction direction = Direction::kRight;
};

struct Padding {
  enum class Direction { kLeft, kRight };

  std::optional<size_t> length;  // absent: the longest encoding of the batch
  Direction direction = Direction::kRight;
  std::optional<size_t> pad_to_multiple_of;
  int32_t pad_id = 0;
  int32_t pad_type_id = 0;
  std::string pad_token = "[PAD]";
};

// One entry per token in every list but `overflowing`.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;    // which segment: what BERT-like models call token type
  std::vector<std::string> tokens;  // as the vocabulary spells them
  std::vector<Offsets> offsets;     // into the text that was given; {0, 0} for tokens that are not in it
  std::vector<std::optional<int32_t>>
      word_ids;                              // counted by the pre-tokenizer; absent for tokens that are not in the text
  std::vector<uint8_t> special_tokens_mask;  // 1 for tokens that the post-processor or the padding added
  std::vector<uint8_t> attention_mask;       // 0 for padding
  std::vector<Encoding> overflowing;         // the windows that truncation cut off

  size_t size() const { return ids.size(); }

  // 0 for tokens of the first sequence, 1 for those of its pair, absent for special tokens.
  std::vector<std::optional<int32_t>> sequence_ids() const;

  // The token that holds the character, and the tokens [begin, end) of a word; absent when there is none.
  std::optional<size_t> char_to_token(size_t character, size_t sequence = 0) const;
  std::optional<std::pair<size_t, size_t>> word_to_tokens(int32_t word, size_t sequence = 0) const;

  // The rest is what the stages of a tokenizer are made of.

  struct TokenRange {
    size_t begin = 0, end = 0;
  };
  std::vector<std::optional<TokenRange>> sequence_ranges;  // by sequence

  void set_sequence(size_t sequence, TokenRange range);
  void set_sequence(size_t sequence) { set_sequence(sequence, {0, size()}); }
  void append_token(int32_t id, std::string token, Offsets where, std::optional<int32_t> word, int32_t type_id);
  void append_special(int32_t id, const std::string& token, int32_t type_id);

  // Keeps the first (or last) `max_length` tokens; the others go to `overflowing` in windows.
  // Throws Error kInvalidArgument when stride >= max_length.
  void truncate(size_t max_length, size_t stride, Truncation::Direction direction);

  // Appends `other`; overflowing windows are combined each with each.
  void merge_with(const Encoding& other);
  void merge_with(Encoding&& other);

  // Pads this encoding and its overflowing windows to `length` tokens.
  void pad(size_t length, const Padding& padding);

 private:
  Encoding slice(size_t begin, size_t end) const;
  TokenRange range_of(size_t sequence) const;
  void append_sequences_of(const Encoding& other);
};

// Truncates one encoding, or a pair by the strategy. Throws Error kInvalidArgument when it cannot be done.
void truncate_encodings(Encoding& first, Encoding* second, const Truncation& truncation);

// Pads all encodings to one length.
void pad_encodings(std::vector<Encoding>& encodings, const Padding& padding);

}  // namespace imago
