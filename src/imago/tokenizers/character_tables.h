// Tables written by tools/tokenizers/character_sets.py.
#pragma once

#include <span>

#include "imago/tokenizers/character_sets.h"

namespace imago::tokenizers {

struct CharacterRange {
  char32_t begin, end;  // with the end
};

std::span<const CharacterRange> bert_punctuation_ranges();
std::span<const CharacterRange> numeric_ranges();
std::span<const CharacterRange> combining_mark_ranges();
std::span<const CharacterRange> accent_ranges();
std::span<const CharacterRange> control_ranges();

}  // namespace imago::tokenizers
