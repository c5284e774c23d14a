// The names of a file's tensors, in the file's order, and where each one is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imago {

class NameTable {
 public:
  NameTable() = default;
  explicit NameTable(std::vector<std::string> names);

  const std::vector<std::string>& names() const { return names_; }
  const std::string& operator[](size_t index) const { return names_[index]; }
  size_t size() const { return names_.size(); }

  // The position in names(), if it is there.
  std::optional<size_t> find(std::string_view name) const;
  // A name that occurs twice, or null.
  const std::string* duplicate() const;

 private:
  std::vector<std::string> names_;
  // Positions sorted by name. A hash table would be quicker, but names come from files, and whoever writes the file
  // could make them all collide.
  std::vector<size_t> sorted_;
};

}  // namespace imago
