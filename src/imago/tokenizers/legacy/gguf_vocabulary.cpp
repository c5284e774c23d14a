#include "imago/tokenizers/legacy/gguf_vocabulary.h"

#include <fmt/core.h>

#include <bit>

#include "imago/base/error.h"
#include "imago/base/unicode.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"

namespace imago::tokenizers {
namespace {

enum class ValueType : uint32_t {
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

constexpr uint64_t kMaxEntries = 65536;  // of metadata; files have some dozens
constexpr int kMaxArrayDepth = 4;

size_t size_of(ValueType type) {
  switch (type) {
    case ValueType::kUint8:
    case ValueType::kInt8:
    case ValueType::kBool: return 1;
    case ValueType::kUint16:
    case ValueType::kInt16: return 2;
    case ValueType::kUint32:
    case ValueType::kInt32:
    case ValueType::kFloat32: return 4;
    case ValueType::kUint64:
    case ValueType::kInt64:
    case ValueType::kFloat64: return 8;
    default: return 0;
  }
}

// Takes values off the front of the file's bytes.
class Reader {
 public:
  Reader(std::string_view bytes, std::string_view where) : rest_(bytes), where_(where) {}

  [[noreturn]] void fail(std::string_view what) const { throw Error(ErrorKind::kInvalidFile, where_, what); }

  template <class Unsigned>
  Unsigned number() {
    Unsigned value = 0;
    const std::string_view bytes = take(sizeof(Unsigned));
    for (size_t i = 0; i < sizeof(Unsigned); ++i) {
      value = static_cast<Unsigned>(value | static_cast<Unsigned>(static_cast<unsigned char>(bytes[i])) << (8 * i));
    }
    return value;
  }

  std::string_view take(uint64_t size) {
    if (size > rest_.size()) fail("the metadata is cut off");
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view string() { return take(number<uint64_t>()); }

  ValueType type() {
    const auto type = number<uint32_t>();
    if (type > static_cast<uint32_t>(ValueType::kFloat64)) fail(fmt::format("a value has the type {}", type));
    return static_cast<ValueType>(type);
  }

  void skip(ValueType type, int depth = 0) {
    if (type == ValueType::kString) {
      string();
    } else if (type != ValueType::kArray) {
      take(size_of(type));
    } else {
      if (depth >= kMaxArrayDepth) fail("arrays are nested too deep");
      const ValueType element = this->type();
      const auto count = number<uint64_t>();
      if (const size_t size = size_of(element); size != 0) {
        if (count > rest_.size() / size) fail("an array is longer than the file");
        take(count * size);
        return;
      }
      // Every element takes at least 8 bytes, so that the count is bounded by the file.
      if (count > rest_.size() / 8) fail("an array is longer than the file");
      for (uint64_t i = 0; i < count; ++i) skip(element, depth + 1);
    }
  }

  // The head of an array whose elements have one of the types; its count is that of a vocabulary or of merges.
  uint64_t array_of(ValueType type, ValueType first, ValueType second, std::string_view key) {
    if (type != ValueType::kArray) fail(fmt::format("{} is no array", key));
    const ValueType element = this->type();
    if (element != first && element != second) fail(fmt::format("{} has elements of another type", key));
    const auto count = number<uint64_t>();
    if (count > rest_.size() / (element == ValueType::kString ? 8 : size_of(element))) {
      fail(fmt::format("{} is longer than the file", key));
    }
    if (count > static_cast<uint64_t>(kMaxVocabulary) * 4) {
      throw Error(ErrorKind::kLimitExceeded, where_, fmt::format("{} has {} elements", key, count));
    }
    return count;
  }

 private:
  std::string_view rest_;
  std::string_view where_;
};

std::string_view read_string(Reader& reader, ValueType type, std::string_view key) {
  if (type != ValueType::kString) reader.fail(fmt::format("{} is no string", key));
  const std::string_view text = reader.string();
  if (!is_valid_utf8(text)) reader.fail(fmt::format("{} is not UTF-8", key));
  return text;
}

std::vector<std::string_view> read_strings(Reader& reader, ValueType type, std::string_view key) {
  const uint64_t count = reader.array_of(type, ValueType::kString, ValueType::kString, key);
  std::vector<std::string_view> strings;
  strings.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    strings.push_back(reader.string());
    if (!is_valid_utf8(strings.back())) reader.fail(fmt::format("{} holds a string that is not UTF-8", key));
  }
  return strings;
}

int32_t read_id(Reader& reader, ValueType type, std::string_view key) {
  if (type != ValueType::kUint32 && type != ValueType::kInt32) reader.fail(fmt::format("{} is no number", key));
  return static_cast<int32_t>(reader.number<uint32_t>());
}

bool read_boolean(Reader& reader, ValueType type, std::string_view key) {
  if (type != ValueType::kBool) reader.fail(fmt::format("{} is no boolean", key));
  return reader.number<uint8_t>() != 0;
}

void read_scores(Reader& reader, ValueType type, std::string_view key, GgufVocabulary& vocabulary) {
  const uint64_t count = reader.array_of(type, ValueType::kFloat32, ValueType::kFloat32, key);
  vocabulary.scores.clear();
  vocabulary.scores.reserve(count);
  for (uint64_t i = 0; i < count; ++i) vocabulary.scores.push_back(std::bit_cast<float>(reader.number<uint32_t>()));
}

void read_token_types(Reader& reader, ValueType type, std::string_view key, GgufVocabulary& vocabulary) {
  const uint64_t count = reader.array_of(type, ValueType::kInt32, ValueType::kUint32, key);
  vocabulary.token_types.clear();
  vocabulary.token_types.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const auto value = reader.number<uint32_t>();
    if (value > 6) reader.fail(fmt::format("{} holds the unknown type {}", key, value));
    vocabulary.token_types.push_back(static_cast<GgufVocabulary::TokenType>(value));
  }
}

void read_charsmap(Reader& reader, ValueType type, std::string_view key, GgufVocabulary& vocabulary) {
  const uint64_t count = reader.array_of(type, ValueType::kUint8, ValueType::kInt8, key);
  vocabulary.precompiled_charsmap = reader.take(count);
}

// One entry of the metadata: kept when it is about the tokenizer.
void read_entry(Reader& reader, std::string_view key, ValueType type, GgufVocabulary& vocabulary) {
  constexpr std::string_view kPrefix = "tokenizer.ggml.";
  if (key == "general.architecture") {
    vocabulary.architecture = read_string(reader, type, key);
    return;
  }
  if (key == "tokenizer.chat_template") {
    vocabulary.chat_template = read_string(reader, type, key);
    return;
  }
  if (!key.starts_with(kPrefix)) return reader.skip(type);
  const std::string_view name = key.substr(kPrefix.size());
  const std::pair<std::string_view, std::optional<int32_t>*> ids[] = {
      {"bos_token_id", &vocabulary.bos_token_id},
      {"eos_token_id", &vocabulary.eos_token_id},
      {"unknown_token_id", &vocabulary.unknown_token_id},
      {"seperator_token_id", &vocabulary.separator_token_id},  // the format's own spelling
      {"padding_token_id", &vocabulary.padding_token_id},
      {"cls_token_id", &vocabulary.cls_token_id},
      {"mask_token_id", &vocabulary.mask_token_id}};
  for (const auto& [id_name, slot] : ids) {
    if (name == id_name) {
      *slot = read_id(reader, type, key);
      return;
    }
  }
  const std::pair<std::string_view, std::optional<bool>*> flags[] = {
      {"add_bos_token", &vocabulary.add_bos_token},
      {"add_eos_token", &vocabulary.add_eos_token},
      {"add_space_prefix", &vocabulary.add_space_prefix},
      {"remove_extra_whitespaces", &vocabulary.remove_extra_whitespaces}};
  for (const auto& [flag_name, slot] : flags) {
    if (name == flag_name) {
      *slot = read_boolean(reader, type, key);
      return;
    }
  }
  if (name == "model") {
    vocabulary.model = read_string(reader, type, key);
  } else if (name == "pre") {
    vocabulary.pre = read_string(reader, type, key);
  } else if (name == "tokens") {
    vocabulary.tokens = read_strings(reader, type, key);
  } else if (name == "merges") {
    vocabulary.merges = read_strings(reader, type, key);
  } else if (name == "scores") {
    read_scores(reader, type, key, vocabulary);
  } else if (name == "token_type") {
    read_token_types(reader, type, key, vocabulary);
  } else if (name == "precompiled_charsmap") {
    read_charsmap(reader, type, key, vocabulary);
  } else {
    reader.skip(type);
  }
}

void check(const GgufVocabulary& vocabulary, const Reader& reader) {
  const size_t size = vocabulary.tokens.size();
  if (vocabulary.model.empty() || size == 0) reader.fail("no vocabulary: tokenizer.ggml.model or tokens are missing");
  if (size > static_cast<size_t>(kMaxVocabulary)) reader.fail(fmt::format("{} tokens are too many", size));
  if (!vocabulary.scores.empty() && vocabulary.scores.size() != size) {
    reader.fail(fmt::format("{} tokens with {} scores", size, vocabulary.scores.size()));
  }
  if (!vocabulary.token_types.empty() && vocabulary.token_types.size() != size) {
    reader.fail(fmt::format("{} tokens with {} types", size, vocabulary.token_types.size()));
  }
  for (const auto& id :
       {vocabulary.bos_token_id, vocabulary.eos_token_id, vocabulary.unknown_token_id, vocabulary.separator_token_id,
        vocabulary.padding_token_id, vocabulary.cls_token_id, vocabulary.mask_token_id}) {
    if (id && (*id < 0 || static_cast<size_t>(*id) >= size)) {
      reader.fail(fmt::format("a special token has the id {} of {} tokens", *id, size));
    }
  }
}

}  // namespace

GgufVocabulary parse_gguf_vocabulary(std::string_view bytes, std::string_view where) {
  Reader reader(bytes, where);
  if (reader.take(4) != "GGUF") reader.fail("not a GGUF file");
  const auto version = reader.number<uint32_t>();
  if (version != 2 && version != 3) {
    throw Error(ErrorKind::kUnsupported, where, fmt::format("GGUF version {}", version), "versions 2 and 3 are read");
  }
  reader.number<uint64_t>();  // tensors, which come behind the metadata
  const auto entries = reader.number<uint64_t>();
  if (entries > kMaxEntries) {
    throw Error(ErrorKind::kLimitExceeded, where, fmt::format("{} entries of metadata", entries));
  }
  GgufVocabulary vocabulary;
  for (uint64_t i = 0; i < entries; ++i) {
    const std::string_view key = reader.string();
    const ValueType type = reader.type();
    read_entry(reader, key, type, vocabulary);
  }
  check(vocabulary, reader);
  return vocabulary;
}

}  // namespace imago::tokenizers
