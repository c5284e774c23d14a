#include "imago/io/name_table.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace imago {

NameTable::NameTable(std::vector<std::string> names) : names_(std::move(names)), sorted_(names_.size()) {
  std::iota(sorted_.begin(), sorted_.end(), size_t{0});
  std::sort(sorted_.begin(), sorted_.end(), [this](size_t a, size_t b) { return names_[a] < names_[b]; });
}

std::optional<size_t> NameTable::find(std::string_view name) const {
  const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), name,
                                   [this](size_t index, std::string_view wanted) { return names_[index] < wanted; });
  if (at == sorted_.end() || names_[*at] != name) return std::nullopt;
  return *at;
}

const std::string* NameTable::duplicate() const {
  const auto at =
      std::adjacent_find(sorted_.begin(), sorted_.end(), [this](size_t a, size_t b) { return names_[a] == names_[b]; });
  return at == sorted_.end() ? nullptr : &names_[*at];
}

}  // namespace imago
