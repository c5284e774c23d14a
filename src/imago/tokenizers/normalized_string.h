// A text while it is normalized, and where each of its bytes comes from.
#pragma once

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
  NormalizedString() = default;
  // `begin` is where `original` stands in the whole text.
  NormalizedString(std::string_view original, uint32_t begin, bool tracked);
  NormalizedString(std::string text, std::vector<Alignment> alignments, bool tracked)
      : text_(std::move(text)), alignments_(std::move(alignments)), tracked_(tracked) {}

  std::string_view text() const { return text_; }
  bool tracked() const { return tracked_; }
  const std::vector<Alignment>& alignments() const { return alignments_; }
  bool empty() const { return text_.empty(); }

  // The edits below are those of the reference, so that offsets come out as it reports them.

  // Puts `content` in front, aligned with the first character. Nothing happens to an empty string.
  void prepend(std::string_view content);
  // Leaves out the characters that `keep` refuses.
  void filter(FunctionRef<bool(char32_t)> keep);
  void map(FunctionRef<char32_t(char32_t)> change);
  // The same for text that is ASCII and stays so.
  template <class Change>
  void map_ascii(Change change) {
    for (char& c : text_) c = change(c);
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
  std::string text_;
  std::vector<Alignment> alignments_;  // one per byte of text_, when tracked
  bool tracked_ = false;
};

// Rewrites a whole string character by character, front to back. The change that comes with a character says how it
// relates to the old ones: 0 replaces the next, a positive one is new, and -N replaces the next and removes N behind
// it.
class Transformation {
 public:
  // The first `removed` characters of the old text are dropped.
  Transformation(NormalizedString& string, size_t removed = 0);
  void push(char32_t character, int change);
  void finish();

 private:
  void skip(size_t characters);

  NormalizedString& string_;
  std::string text_;
  std::vector<Alignment> alignments_;
  size_t offset_ = 0;  // in the old text
};

// The character that stands for a byte in byte-level vocabularies (GPT-2's bytes_to_unicode), and the byte that a
// character stands for, or -1.
char32_t byte_to_character(unsigned char byte);
int character_to_byte(char32_t character);
// The bytes that a byte-level token spells; false when a character of it stands for no byte.
bool decode_byte_level(std::string_view token, std::string& bytes);

}  // namespace imago::tokenizers
