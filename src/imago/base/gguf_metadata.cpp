#include "imago/base/gguf_metadata.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>

#include "imago/base/error.h"
#include "imago/base/quote.h"
#include "imago/base/unicode.h"

namespace imago {
namespace {

constexpr uint64_t kMaxEntries = 65536;  // files have some dozens
constexpr uint64_t kMaxKeyBytes = 65535;

struct TypeFacts {
  std::string_view name;
  uint64_t size;  // 0 where it varies
};

// In the order of the enumeration.
constexpr auto kTypes = std::to_array<TypeFacts>({{"uint8", 1},
                                                  {"int8", 1},
                                                  {"uint16", 2},
                                                  {"int16", 2},
                                                  {"uint32", 4},
                                                  {"int32", 4},
                                                  {"float32", 4},
                                                  {"bool", 1},
                                                  {"string", 0},
                                                  {"array", 0},
                                                  {"uint64", 8},
                                                  {"int64", 8},
                                                  {"float64", 8}});

uint64_t size_of(GgufType type) { return kTypes[static_cast<size_t>(type)].size; }

[[noreturn]] void fail(std::string_view where, const std::string& what) {
  throw Error(ErrorKind::kInvalidFile, where, what);
}

GgufType read_type(ByteReader& reader, std::string_view key) {
  const auto type = reader.read<uint32_t>();
  if (type >= kTypes.size())
    fail(reader.where(), fmt::format("{} has a value of the unknown type {}", quote(key), type));
  return static_cast<GgufType>(type);
}

std::string_view read_text(ByteReader& reader, std::string_view key) {
  const std::string_view text = reader.text(reader.read<uint64_t>());
  if (!is_valid_utf8(text)) fail(reader.where(), fmt::format("{} holds text that is not UTF-8", quote(key)));
  return text;
}

void check_bools(const ByteReader& reader, std::string_view bytes, std::string_view key) {
  if (std::any_of(bytes.begin(), bytes.end(), [](char value) { return value != 0 && value != 1; })) {
    fail(reader.where(), fmt::format("{} holds a bool other than 0 and 1", quote(key)));
  }
}

GgufValue read_array(ByteReader& reader, std::string_view key) {
  GgufValue value{GgufType::kArray, read_type(reader, key), reader.read<uint64_t>(), {}};
  if (value.element == GgufType::kArray) {
    throw Error(ErrorKind::kUnsupported, reader.where(), fmt::format("{} is an array of arrays", quote(key)));
  }
  // A string takes at least the 8 bytes of its length, so that the count is bounded by the file.
  const uint64_t smallest = value.element == GgufType::kString ? 8 : size_of(value.element);
  if (value.count > reader.remaining() / smallest)
    fail(reader.where(), fmt::format("{} is longer than the file", quote(key)));
  if (value.element != GgufType::kString) {
    value.bytes = reader.text(value.count * smallest);
    if (value.element == GgufType::kBool) check_bools(reader, value.bytes, key);
    return value;
  }
  const size_t begin = reader.position();
  const char* data = reader.text(0).data();
  for (uint64_t i = 0; i < value.count; ++i) read_text(reader, key);
  value.bytes = {data, reader.position() - begin};
  return value;
}

GgufValue read_value(ByteReader& reader, std::string_view key) {
  const GgufType type = read_type(reader, key);
  if (type == GgufType::kArray) return read_array(reader, key);
  GgufValue value{type, type, 1, {}};
  value.bytes = type == GgufType::kString ? read_text(reader, key) : reader.text(size_of(type));
  if (type == GgufType::kBool) check_bools(reader, value.bytes, key);
  return value;
}

// The file's numbers need not be aligned.
template <class T>
T number_in(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

template <class T>
std::vector<T> numbers_in(const GgufValue& array) {
  std::vector<T> numbers(array.count);
  if (!numbers.empty()) std::memcpy(numbers.data(), array.bytes.data(), array.bytes.size());
  return numbers;
}

}  // namespace

std::string_view to_string(GgufType type) { return kTypes[static_cast<size_t>(type)].name; }

std::string GgufValue::describe() const {
  return type == GgufType::kArray ? fmt::format("array of {}", to_string(element)) : std::string(to_string(type));
}

GgufMetadata GgufMetadata::parse(ByteReader& reader, uint64_t count) {
  if (count > kMaxEntries) {
    throw Error(ErrorKind::kLimitExceeded, reader.where(),
                fmt::format("{} entries of metadata, {} at most", count, kMaxEntries));
  }
  GgufMetadata metadata;
  metadata.where_ = reader.where();
  for (uint64_t i = 0; i < count; ++i) {
    const auto size = reader.read<uint64_t>();
    if (size == 0 || size > kMaxKeyBytes)
      fail(reader.where(), fmt::format("entry {} of the metadata has a key of {} bytes", i, size));
    const std::string_view key = reader.text(size);
    if (!is_valid_utf8(key)) fail(reader.where(), fmt::format("the key {} is not UTF-8", quote(key)));
    metadata.entries_.emplace_back(key, read_value(reader, key));
  }
  metadata.sorted_.resize(metadata.entries_.size());
  std::iota(metadata.sorted_.begin(), metadata.sorted_.end(), size_t{0});
  const auto key_at = [&](size_t i) { return metadata.entries_[i].first; };
  std::sort(metadata.sorted_.begin(), metadata.sorted_.end(),
            [&](size_t a, size_t b) { return key_at(a) < key_at(b); });
  const auto twice = std::adjacent_find(metadata.sorted_.begin(), metadata.sorted_.end(),
                                        [&](size_t a, size_t b) { return key_at(a) == key_at(b); });
  if (twice != metadata.sorted_.end())
    fail(reader.where(), fmt::format("the metadata has {} twice", quote(key_at(*twice))));
  return metadata;
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto at = std::lower_bound(sorted_.begin(), sorted_.end(), key,
                                   [&](size_t i, std::string_view wanted) { return entries_[i].first < wanted; });
  return at != sorted_.end() && entries_[*at].first == key ? &entries_[*at].second : nullptr;
}

std::optional<int64_t> GgufMetadata::integer(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  switch (value->type) {
    case GgufType::kUint8: return number_in<uint8_t>(value->bytes);
    case GgufType::kInt8: return number_in<int8_t>(value->bytes);
    case GgufType::kUint16: return number_in<uint16_t>(value->bytes);
    case GgufType::kInt16: return number_in<int16_t>(value->bytes);
    case GgufType::kUint32: return number_in<uint32_t>(value->bytes);
    case GgufType::kInt32: return number_in<int32_t>(value->bytes);
    case GgufType::kInt64: return number_in<int64_t>(value->bytes);
    case GgufType::kUint64: {
      const auto number = number_in<uint64_t>(value->bytes);
      if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        fail(where_, fmt::format("{} is {}", quote(key), number));
      }
      return static_cast<int64_t>(number);
    }
    default: fail_type(key, "an integer");
  }
}

std::optional<double> GgufMetadata::number(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type == GgufType::kFloat32) return number_in<float>(value->bytes);
  if (value->type == GgufType::kFloat64) return number_in<double>(value->bytes);
  fail_type(key, "a float");
}

std::optional<bool> GgufMetadata::boolean(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kBool) {
    fail_type(key, "a bool");
  }
  return value->bytes[0] != 0;
}

std::optional<std::string> GgufMetadata::text(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->type != GgufType::kString) {
    fail_type(key, "a string");
  }
  return std::string(value->bytes);
}

std::optional<std::vector<std::string_view>> GgufMetadata::text_array(std::string_view key) const {
  const GgufValue* value = find_array(key, GgufType::kString, GgufType::kString);
  if (value == nullptr) return std::nullopt;
  ByteReader reader(std::as_bytes(std::span(value->bytes)), where_.c_str());
  std::vector<std::string_view> texts(value->count);
  for (std::string_view& text : texts) text = reader.text(reader.read<uint64_t>());
  return texts;
}

std::optional<std::vector<float>> GgufMetadata::float32_array(std::string_view key) const {
  const GgufValue* value = find_array(key, GgufType::kFloat32, GgufType::kFloat32);
  if (value == nullptr) return std::nullopt;
  return numbers_in<float>(*value);
}

std::optional<std::vector<int32_t>> GgufMetadata::int32_array(std::string_view key) const {
  const GgufValue* value = find_array(key, GgufType::kInt32, GgufType::kUint32);
  if (value == nullptr) return std::nullopt;
  return numbers_in<int32_t>(*value);
}

std::optional<std::string_view> GgufMetadata::byte_array(std::string_view key) const {
  const GgufValue* value = find_array(key, GgufType::kUint8, GgufType::kInt8);
  if (value == nullptr) return std::nullopt;
  return value->bytes;
}

const GgufValue* GgufMetadata::find_array(std::string_view key, GgufType element, GgufType or_element) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return nullptr;
  if (value->type != GgufType::kArray || (value->element != element && value->element != or_element)) {
    fail_type(key, fmt::format("an array of {}", to_string(element)));
  }
  return value;
}

void GgufMetadata::fail_type(std::string_view key, std::string_view wanted) const {
  fail(where_, fmt::format("{} should be {} and is a value of type {}", quote(key), wanted, find(key)->describe()));
}

GgufPreamble read_gguf_preamble(ByteReader& reader) {
  if (reader.remaining() < 4 || reader.text(4) != "GGUF") fail(reader.where(), "this is no GGUF file");
  GgufPreamble preamble;
  preamble.version = reader.read<uint32_t>();
  if (preamble.version != 2 && preamble.version != 3) {
    const bool swapped = preamble.version != 0 && preamble.version % 65536 == 0;
    throw Error(ErrorKind::kUnsupported, reader.where(),
                swapped ? "the file is big-endian" : fmt::format("the file has GGUF version {}", preamble.version),
                "versions 2 and 3, little-endian, are read");
  }
  preamble.tensors = reader.read<uint64_t>();
  const auto entries = reader.read<uint64_t>();
  preamble.metadata = GgufMetadata::parse(reader, entries);
  return preamble;
}

}  // namespace imago
