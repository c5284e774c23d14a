#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace imago::tokenizers {

// By the first two bytes: how long the longest of some texts is that begins with them. It bounds how far to look for
// one from a place in another text.
class LongestByFront {
 public:
  void add(std::string_view text) {
    if (text.empty()) return;
    const auto length = static_cast<uint16_t>(std::min<size_t>(text.size(), UINT16_MAX));
    const size_t first = place(text);
    // A single byte may be followed by any other.
    for (size_t i = first; i < first + (text.size() == 1 ? 256 : 1); ++i) lengths_[i] = std::max(lengths_[i], length);
  }
  uint32_t find(std::string_view text) const { return lengths_[place(text)]; }

 private:
  static size_t place(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    return static_cast<size_t>(first) << 8 | (text.size() > 1 ? static_cast<unsigned char>(text[1]) : 0u);
  }

  std::vector<uint16_t> lengths_ = std::vector<uint16_t>(size_t{1} << 16);
};

}  // namespace imago::tokenizers
