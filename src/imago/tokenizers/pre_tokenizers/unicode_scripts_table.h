#pragma once

#include <cstdint>
#include <span>

namespace imago::tokenizers {

struct ScriptRange {
  char32_t begin, end;  // with the end
  int script;           // numbered in the order of their first characters
};

// Characters that have a script, in order.
std::span<const ScriptRange> script_ranges();

}  // namespace imago::tokenizers
