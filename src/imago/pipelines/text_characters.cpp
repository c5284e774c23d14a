#include "imago/pipelines/text_characters.h"

#include <algorithm>

#include "imago/base/unicode.h"

namespace imago {

TextCharacters::TextCharacters(std::string_view text) : text_(text) {
  size_t byte = 0;
  while (byte < text.size()) {
    starts_.push_back(byte);
    byte += static_cast<size_t>(decode_utf8(text.substr(byte)).size);
  }
  starts_.push_back(byte);
}

std::string TextCharacters::slice(size_t begin, size_t end) const {
  end = std::min(end, size());
  return begin >= end ? std::string() : std::string(text_.substr(starts_[begin], starts_[end] - starts_[begin]));
}

}  // namespace imago
