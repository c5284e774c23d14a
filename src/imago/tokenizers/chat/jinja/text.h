// Text with provenance: which bytes came from the caller's data (messages, tools, documents) rather than from the
// template. The tokenizer encodes those bytes without special tokens, so that nobody can write "<|im_end|>" into a
// message and end it.
//
// What keeps the spans exactly: concatenation, slicing and indexing, strip, split, partition, replace, join, repeat,
// indent, trim, formatting with % and format, case changes that keep the length, and tojson. Any other operation marks
// the whole result as the caller's when any part of its input is: never the other way round.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "imago/tokenizers/byte_range.h"

namespace imago::chat::jinja {

class Text {
 public:
  Text() = default;
  explicit Text(std::string bytes, bool from_user = false);

  const std::string& bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }
  const std::vector<ByteRange>& user() const { return user_; }
  bool has_user() const { return !user_.empty(); }

  void append(std::string_view bytes, bool from_user = false);
  void append(const Text& other) { append(other, 0, other.size()); }
  void append(const Text& other, size_t begin, size_t end);  // the bytes [begin, end) of `other`
  Text slice(size_t begin, size_t end) const;
  void truncate(size_t size);
  void reserve(size_t bytes) { bytes_.reserve(bytes); }

  // The same provenance for bytes that correspond one to one; otherwise all of them are the caller's if any was.
  Text with_bytes(std::string bytes) const;

  size_t memory() const { return bytes_.capacity() + user_.capacity() * sizeof(ByteRange); }

 private:
  void mark(size_t begin, size_t end);

  std::string bytes_;
  std::vector<ByteRange> user_;  // in order, apart from each other
};

// Code points.
size_t code_point_count(std::string_view text);
// The byte at which code point `index` begins; `text.size()` beyond the last.
size_t byte_of_code_point(std::string_view text, size_t index);
bool is_ascii(std::string_view text);

}  // namespace imago::chat::jinja
