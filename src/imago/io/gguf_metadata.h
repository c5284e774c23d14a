// The metadata of a GGUF file: typed values under names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/io/byte_reader.h"

namespace imago {

enum class GgufType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};

std::string_view to_string(GgufType type);  // "uint32", "string", ...

// A value as the file holds it. The views point into the file's bytes.
struct GgufValue {
  GgufType type = GgufType::kUint8;
  GgufType element = GgufType::kUint8;  // of an array
  uint64_t count = 1;
  std::string_view bytes;  // the number, the string's text, or the array's elements

  std::string describe() const;  // "uint32", "array of string"
};

class GgufMetadata {
 public:
  // Reads `count` entries. Throws Error kInvalidFile for what is malformed (lengths beyond the file, unknown types,
  // a key twice, text that is not UTF-8, a bool of another value) and kLimitExceeded.
  static GgufMetadata parse(ByteReader& reader, uint64_t count);

  const std::vector<std::pair<std::string_view, GgufValue>>& entries() const { return entries_; }
  const GgufValue* find(std::string_view key) const;

  // Nothing where there is no such key. Throw Error kInvalidFile naming the key when it has a value of another kind;
  // integers may have any width and sign, numbers either float type.
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;

 private:
  std::vector<std::pair<std::string_view, GgufValue>> entries_;
  std::vector<size_t> sorted_;  // by key
};

}  // namespace imago
