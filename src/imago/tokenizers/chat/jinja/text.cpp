#include "imago/tokenizers/chat/jinja/text.h"

#include <algorithm>
#include <utility>

namespace imago::chat::jinja {

Text::Text(std::string bytes, bool from_user) : bytes_(std::move(bytes)) {
  if (from_user) mark(0, bytes_.size());
}

void Text::mark(size_t begin, size_t end) {
  if (begin == end) return;
  if (!user_.empty() && user_.back().end == begin) {
    user_.back().end = end;
  } else {
    user_.push_back({begin, end});
  }
}

void Text::append(std::string_view bytes, bool from_user) {
  size_t begin = bytes_.size();
  bytes_ += bytes;
  if (from_user) mark(begin, bytes_.size());
}

void Text::append(const Text& other, size_t begin, size_t end) {
  size_t shift = bytes_.size();
  bytes_.append(other.bytes_, begin, end - begin);
  auto span =
      std::partition_point(other.user_.begin(), other.user_.end(), [&](const ByteRange& s) { return s.end <= begin; });
  for (; span != other.user_.end() && span->begin < end; ++span) {
    mark(shift + std::max(span->begin, begin) - begin, shift + std::min(span->end, end) - begin);
  }
}

Text Text::slice(size_t begin, size_t end) const {
  Text result;
  result.append(*this, begin, end);
  return result;
}

void Text::truncate(size_t size) {
  bytes_.resize(std::min(size, bytes_.size()));
  while (!user_.empty() && user_.back().begin >= size) user_.pop_back();
  if (!user_.empty()) user_.back().end = std::min(user_.back().end, size);
}

Text Text::with_bytes(std::string bytes) const {
  if (bytes.size() != bytes_.size() || !is_ascii(bytes_)) return Text(std::move(bytes), has_user());
  Text result(std::move(bytes));
  result.user_ = user_;
  return result;
}

size_t code_point_count(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

size_t byte_of_code_point(std::string_view text, size_t index) {
  size_t byte = 0;
  while (byte < text.size()) {
    if (index-- == 0) return byte;
    ++byte;
    while (byte < text.size() && (static_cast<unsigned char>(text[byte]) & 0xC0) == 0x80) ++byte;
  }
  return byte;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace imago::chat::jinja
