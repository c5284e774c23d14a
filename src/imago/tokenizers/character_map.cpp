#include "imago/tokenizers/character_map.h"

#include <cstring>

#include "imago/base/error.h"
#include "imago/base/unicode.h"

namespace imago::tokenizers {
namespace {

size_t offset(uint32_t unit) { return static_cast<size_t>(unit >> 10) << ((unit & 0x200u) >> 6); }

}  // namespace

CharacterMap::CharacterMap(std::string_view bytes, std::string_view where) {
  const auto fail = [&](const char* what) {
    throw Error(ErrorKind::kInvalidFile, where, std::string("precompiled_charsmap ") + what);
  };
  uint32_t trie_bytes = 0;
  if (bytes.size() < 4) fail("is too short");
  std::memcpy(&trie_bytes, bytes.data(), 4);
  if (trie_bytes % 4 != 0 || trie_bytes > bytes.size() - 4) fail("is cut off");
  units_.resize(trie_bytes / 4);
  if (trie_bytes > 0) std::memcpy(units_.data(), bytes.data() + 4, trie_bytes);
  replacements_ = bytes.substr(4 + trie_bytes);
  if (!is_valid_utf8(replacements_)) fail("is not UTF-8");
}

template <class Found>
void CharacterMap::for_each_prefix(std::string_view text, Found found) const {
  if (units_.empty()) return;
  size_t at = offset(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0) return;
    at ^= byte;
    if (at >= units_.size() || (units_[at] & 0x800000FFu) != byte) return;
    const uint32_t unit = units_[at];
    at ^= offset(unit);
    if ((unit >> 8 & 1) == 0) continue;
    if (at >= units_.size()) return;
    const size_t place = units_[at] & 0x7FFFFFFFu;
    if (place >= replacements_.size()) return;
    std::string_view replacement = std::string_view(replacements_).substr(place);
    replacement = replacement.substr(0, replacement.find('\0'));
    if (!found(i + 1, replacement)) return;
  }
}

bool CharacterMap::find_shortest(std::string_view text, std::string_view& replacement) const {
  bool known = false;
  for_each_prefix(text, [&](size_t, std::string_view with) {
    replacement = with;
    known = true;
    return false;
  });
  return known;
}

size_t CharacterMap::find_longest(std::string_view text, std::string_view& replacement) const {
  size_t longest = 0;
  for_each_prefix(text, [&](size_t size, std::string_view with) {
    longest = size;
    replacement = with;
    return true;
  });
  return longest;
}

}  // namespace imago::tokenizers
