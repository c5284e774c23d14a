#include "imago/base/gguf_entries.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "imago/base/error.h"

namespace imago {

void GgufEntries::add(std::string key, GgufType type, std::string bytes, GgufType element, uint64_t count) {
  bytes_.push_back(std::move(bytes));
  list_.emplace_back(std::move(key), GgufValue{type, element, count, bytes_.back()});
}

void GgufEntries::add_integer(std::string key, int64_t value) {
  if (value < 0 || value > std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorKind::kInvalidArgument, "gguf", fmt::format("{} is {}, which is no uint32", key, value));
  }
  add(std::move(key), GgufType::kUint32, gguf_number(static_cast<uint32_t>(value)));
}

void GgufEntries::add_number(std::string key, double value) {
  add(std::move(key), GgufType::kFloat32, gguf_number(static_cast<float>(value)));
}

void GgufEntries::add_boolean(std::string key, bool value) {
  add(std::move(key), GgufType::kBool, gguf_number<uint8_t>(value ? 1 : 0));
}

void GgufEntries::add_text(std::string key, std::string_view value) {
  add(std::move(key), GgufType::kString, std::string(value));
}

void GgufEntries::add_texts(std::string key, std::span<const std::string> values) {
  std::string bytes;
  for (const std::string& value : values) bytes += gguf_number<uint64_t>(value.size()).append(value);
  add(std::move(key), GgufType::kArray, std::move(bytes), GgufType::kString, values.size());
}

void GgufEntries::add_numbers(std::string key, std::span<const float> values) {
  add(std::move(key), GgufType::kArray, std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes()),
      GgufType::kFloat32, values.size());
}

void GgufEntries::add_integers(std::string key, std::span<const int32_t> values) {
  add(std::move(key), GgufType::kArray, std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes()),
      GgufType::kInt32, values.size());
}

bool GgufEntries::contains(std::string_view key) const {
  return std::any_of(list_.begin(), list_.end(), [&](const auto& entry) { return entry.first == key; });
}

}  // namespace imago
