// Metadata of a GGUF file that is to be written.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/gguf_metadata.h"

namespace imago {

// Bytes of a number as an entry of the metadata has them.
template <class T>
std::string gguf_number(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

// Typed values under names, in the order in which they are added. Holds what its values point to.
class GgufEntries {
 public:
  // Throws Error kInvalidArgument for a value that 32 bits without a sign do not hold, which is what counts and sizes
  // are stored as.
  void add_integer(std::string key, int64_t value);
  void add_number(std::string key, double value);  // as float32, which is what readers expect
  void add_boolean(std::string key, bool value);
  void add_text(std::string key, std::string_view value);
  void add_texts(std::string key, std::span<const std::string> values);
  void add_numbers(std::string key, std::span<const float> values);
  void add_integers(std::string key, std::span<const int32_t> values);
  // The value stays where it is.
  void add_view(std::string key, const GgufValue& value) { list_.emplace_back(std::move(key), value); }

  const std::vector<std::pair<std::string, GgufValue>>& list() const { return list_; }
  bool contains(std::string_view key) const;

 private:
  void add(std::string key, GgufType type, std::string bytes, GgufType element = GgufType::kUint8, uint64_t count = 1);

  std::deque<std::string> bytes_;  // which the list's values point to
  std::vector<std::pair<std::string, GgufValue>> list_;
};

}  // namespace imago
