// The front of a GGUF file up to its tensors: version, counts, and the metadata, which are typed values under names.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/byte_reader.h"

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
  // a key twice, text that is not UTF-8, a bool of another value), kUnsupported for arrays of arrays, and
  // kLimitExceeded.
  static GgufMetadata parse(ByteReader& reader, uint64_t count);

  const std::vector<std::pair<std::string_view, GgufValue>>& entries() const { return entries_; }
  const GgufValue* find(std::string_view key) const;

  // Nothing where there is no such key. Throw Error kInvalidFile naming the key when it has a value of another kind;
  // integers may have any width and sign, numbers either float type.
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  // Arrays. Views are into the file's bytes; int32 takes unsigned elements too, and bytes are of either sign.
  std::optional<std::vector<std::string_view>> text_array(std::string_view key) const;
  std::optional<std::vector<float>> float32_array(std::string_view key) const;
  std::optional<std::vector<int32_t>> int32_array(std::string_view key) const;
  std::optional<std::string_view> byte_array(std::string_view key) const;

 private:
  // Null where there is no such key; throws where it is no array of either element.
  const GgufValue* find_array(std::string_view key, GgufType element, GgufType or_element) const;
  [[noreturn]] void fail_type(std::string_view key, std::string_view wanted) const;

  std::string where_;
  std::vector<std::pair<std::string_view, GgufValue>> entries_;
  std::vector<size_t> sorted_;  // by key
};

struct GgufPreamble {
  uint32_t version = 3;
  uint64_t tensors = 0;   // as the file claims: not checked
  GgufMetadata metadata;  // points into the file's bytes
};

// Reads up to the descriptions of the tensors. Throws as GgufMetadata::parse does, and kUnsupported naming a version
// other than 2 and 3 or big-endian numbers.
GgufPreamble read_gguf_preamble(ByteReader& reader);

}  // namespace imago
