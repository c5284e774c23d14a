// SentencePiece's character map: a double-array trie (Darts) from UTF-8 sequences to places in a list of replacements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace imago::tokenizers {

class CharacterMap {
 public:
  CharacterMap() = default;  // maps nothing
  // Throws Error kInvalidFile, naming `where`, for what is no such map.
  CharacterMap(std::string_view bytes, std::string_view where);

  // What the shortest known prefix of the text stands for, or false. The tokenizers package takes it for the whole.
  bool find_shortest(std::string_view text, std::string_view& replacement) const;
  // How many bytes the longest known prefix has, and what it stands for; 0 when there is none. So SentencePiece does.
  size_t find_longest(std::string_view text, std::string_view& replacement) const;

 private:
  // Calls found(bytes, replacement) for every known prefix, until it says false.
  template <class Found>
  void for_each_prefix(std::string_view text, Found found) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace imago::tokenizers
