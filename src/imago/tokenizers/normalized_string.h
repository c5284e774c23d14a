// A text while it is normalized, and where each of its bytes comes from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/thread_pool.h"  // FunctionRef
#include "imago/base/unicode.h"

namespace imago::tokenizers {

// Bytes [begin, end) of the original text.
struct Alignment {
  uint32_t begin = 0, end = 0;
  bool operator==(const Alignment&) const = default;
};

// The alignments of a text that nothing has changed: each byte comes from the whole character it belongs to.
void append_identity_alignments(std::string_view text, uint32_t begin, std::vector<Alignment>& alignments);

// When only ids are wanted nobody asks for offsets, and keeping alignments would cost more than all the rest: then the
// string is not tracked, and only the text is kept.
class NormalizedString {
 public:
  // `begin` is where `original` stands in the whole text. It must outlive this: it is read until an edit changes it.
  NormalizedString(std::string_view original, uint32_t begin, bool tracked);
  NormalizedString(std::string_view original, std::vector<Alignment> alignments)
      : text_(original), alignments_(std::move(alignments)), tracked_(true) {}
  NormalizedString(const NormalizedString&) = delete;
  NormalizedString& operator=(const NormalizedString&) = delete;

  std::string_view text() const { return text_; }
  bool tracked() const { return tracked_; }
  const std::vector<Alignment>& alignments() const { return alignments_; }
  bool empty() const { return text_.empty(); }
  bool begins_text() const { return begins_text_; }  // it stands at the front of the whole text

  // Takes another text in place of this one, with an alignment for each byte if this is tracked.
  void assign(std::string text, std::vector<Alignment> alignments) {
    set_text(std::move(text));
    alignments_ = std::move(alignments);
  }
  // Gives the text and its alignments away.
  void release(std::string& text, std::vector<Alignment>& alignments) {
    own();
    text = std::move(edited_);
    alignments = std::move(alignments_);
  }

  // The edits below are those of the reference, so that offsets come out as it reports them.

  // Puts `content` in front, aligned with the first character. Nothing happens to an empty string.
  void prepend(std::string_view content);
  // Leaves out the characters that `keep` refuses.
  bool all_of(FunctionRef<bool(char32_t)> holds) const;
  void filter(FunctionRef<bool(char32_t)> keep);
  void map(FunctionRef<char32_t(char32_t)> change);
  // The same for text that is ASCII and stays so.
  template <class Change>
  void map_ascii(Change change) {
    if (std::all_of(text_.begin(), text_.end(), [&](char c) { return change(c) == c; })) return;
    own();
    for (char& c : edited_) c = change(c);
  }
  // Removes white space (White_Space) at the ends.
  void strip(bool left, bool right);
  // Replaces matches [begin, end), which must be in order and apart; what is put in aligns with the match's last byte.
  void replace(const std::vector<std::pair<uint32_t, uint32_t>>& matches, std::string_view content);
  void lowercase();
  void normalize(NormalForm form);
  // Spells each byte as the printable character that byte-level vocabularies use for it.
  void to_byte_level();

 private:
  friend class Transformation;

  // Copies the text, if that was not done before, so that `edited_` may be changed where it lies.
  void own() {
    if (!owned_) set_text(std::string(text_));
  }
  void set_text(std::string text) {
    edited_ = std::move(text);
    text_ = edited_;
    owned_ = true;
  }

  std::string_view text_;  // of the original, or edited_
  std::string edited_;
  bool owned_ = false;
  std::vector<Alignment> alignments_;  // one per byte of text_, when tracked
  bool tracked_ = false;
  bool begins_text_ = false;
};

// Writes a Unicode scalar value to where there is room for four bytes; returns how many it took.
inline size_t write_utf8(char* to, char32_t character) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (character >> shift & 0x3F)); };
  if (character < 0x80) {
    to[0] = static_cast<char>(character);
    return 1;
  }
  if (character < 0x800) {
    to[0] = static_cast<char>(0xC0 | character >> 6);
    to[1] = tail(0);
    return 2;
  }
  if (character < 0x10000) {
    to[0] = static_cast<char>(0xE0 | character >> 12);
    to[1] = tail(6);
    to[2] = tail(0);
    return 3;
  }
  to[0] = static_cast<char>(0xF0 | character >> 18);
  to[1] = tail(12);
  to[2] = tail(6);
  to[3] = tail(0);
  return 4;
}

// Rewrites a whole string character by character, front to back. The change that comes with a character says how it
// relates to the old ones: 0 replaces the next, a positive one is new, and -N replaces the next and removes N behind
// it.
class Transformation {
 public:
  // The first `removed` characters of the old text are dropped. The new one is expected to be `added` bytes longer.
  explicit Transformation(NormalizedString& string, size_t removed = 0, size_t added = 0);
  void push(char32_t character, int change) {
    // Every normalizer passes here for every character: a character and its alignments are written in full width into
    // room that is there, and only then counted.
    if (size_ + kLongest > text_.size()) grow();
    const size_t bytes = write_utf8(text_.data() + size_, character);
    if (string_.tracked_) {
      const Alignment where = next_alignment(change);
      for (size_t i = 0; i < kLongest; ++i) alignments_[size_ + i] = where;
    }
    size_ += bytes;
  }
  void finish();

 private:
  static constexpr size_t kLongest = 4;  // bytes of a character

  Alignment next_alignment(int change) {
    const std::vector<Alignment>& old = string_.alignments_;
    if (change == 0 && offset_ < old.size()) {
      const Alignment where = old[offset_];
      offset_ += size_of_lead(static_cast<unsigned char>(string_.text_[offset_]));
      return where;
    }
    Alignment where;
    if (change > 0) {
      if (offset_ > 0 && !old.empty()) where = old[std::min(offset_, old.size()) - 1];
    } else {
      if (!old.empty()) where = old[std::min(offset_, old.size() - 1)];
      skip(1 + static_cast<size_t>(-change));
    }
    return where;
  }
  static size_t size_of_lead(unsigned char lead) {
    return 1 + static_cast<size_t>(lead >= 0xC0) + static_cast<size_t>(lead >= 0xE0) +
           static_cast<size_t>(lead >= 0xF0);
  }
  void skip(size_t characters);
  void grow();

  NormalizedString& string_;
  std::string text_;  // with room behind what is written
  std::vector<Alignment> alignments_;
  size_t size_ = 0;    // written
  size_t offset_ = 0;  // in the old text, at most its size when the string is tracked
};

// The character that stands for a byte in byte-level vocabularies (GPT-2's bytes_to_unicode), and the byte that a
// character stands for, or -1.
char32_t byte_to_character(unsigned char byte);
int character_to_byte(char32_t character);
// The bytes that a byte-level token spells; false when a character of it stands for no byte.
bool decode_byte_level(std::string_view token, std::string& bytes);

}  // namespace imago::tokenizers
