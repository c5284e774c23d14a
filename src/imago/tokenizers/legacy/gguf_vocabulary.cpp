#include "imago/tokenizers/legacy/gguf_vocabulary.h"

#include <fmt/core.h>

#include <span>

#include "imago/base/byte_reader.h"
#include "imago/base/error.h"
#include "imago/base/gguf_metadata.h"
#include "imago/tokenizers/legacy/vocabulary_files.h"

namespace imago::tokenizers {
namespace {

class Reader {
 public:
  Reader(const GgufMetadata& metadata, std::string_view where) : metadata_(metadata), where_(where) {}

  GgufVocabulary read() const {
    for (const char* key : {"tokens", "scores", "token_type", "merges"}) check_count(own(key));
    GgufVocabulary vocabulary;
    vocabulary.architecture = metadata_.text("general.architecture").value_or("");
    vocabulary.chat_template = metadata_.text("tokenizer.chat_template");
    vocabulary.model = metadata_.text(own("model")).value_or("");
    vocabulary.pre = metadata_.text(own("pre")).value_or("");
    vocabulary.tokens = metadata_.text_array(own("tokens")).value_or(std::vector<std::string_view>());
    vocabulary.scores = metadata_.float32_array(own("scores")).value_or(std::vector<float>());
    vocabulary.token_types = token_types();
    vocabulary.merges = metadata_.text_array(own("merges")).value_or(std::vector<std::string_view>());
    vocabulary.precompiled_charsmap = metadata_.byte_array(own("precompiled_charsmap")).value_or("");
    check_sizes(vocabulary);

    const size_t size = vocabulary.tokens.size();
    vocabulary.bos_token_id = token_id("bos_token_id", size);
    vocabulary.eos_token_id = token_id("eos_token_id", size);
    vocabulary.unknown_token_id = token_id("unknown_token_id", size);
    vocabulary.separator_token_id = token_id("seperator_token_id", size);  // the format's own spelling
    vocabulary.padding_token_id = token_id("padding_token_id", size);
    vocabulary.cls_token_id = token_id("cls_token_id", size);
    vocabulary.mask_token_id = token_id("mask_token_id", size);
    vocabulary.add_bos_token = metadata_.boolean(own("add_bos_token"));
    vocabulary.add_eos_token = metadata_.boolean(own("add_eos_token"));
    vocabulary.add_space_prefix = metadata_.boolean(own("add_space_prefix"));
    vocabulary.remove_extra_whitespaces = metadata_.boolean(own("remove_extra_whitespaces"));
    return vocabulary;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorKind::kInvalidFile, where_, what); }

  static std::string own(std::string_view key) { return fmt::format("tokenizer.ggml.{}", key); }

  // Before any array is copied.
  void check_count(const std::string& key) const {
    const GgufValue* value = metadata_.find(key);
    if (value != nullptr && value->count > static_cast<uint64_t>(kMaxVocabulary) * 4) {
      throw Error(ErrorKind::kLimitExceeded, where_, fmt::format("{} has {} elements", key, value->count));
    }
  }

  std::vector<GgufVocabulary::TokenType> token_types() const {
    std::vector<GgufVocabulary::TokenType> types;
    for (const int32_t type : metadata_.int32_array(own("token_type")).value_or(std::vector<int32_t>())) {
      if (type < 0 || type > 6) fail(fmt::format("tokenizer.ggml.token_type holds the unknown type {}", type));
      types.push_back(static_cast<GgufVocabulary::TokenType>(type));
    }
    return types;
  }

  void check_sizes(const GgufVocabulary& vocabulary) const {
    const size_t size = vocabulary.tokens.size();
    if (vocabulary.model.empty() || size == 0) fail("no vocabulary: tokenizer.ggml.model or tokens are missing");
    if (size > static_cast<size_t>(kMaxVocabulary)) fail(fmt::format("{} tokens are too many", size));
    if (!vocabulary.scores.empty() && vocabulary.scores.size() != size) {
      fail(fmt::format("{} tokens with {} scores", size, vocabulary.scores.size()));
    }
    if (!vocabulary.token_types.empty() && vocabulary.token_types.size() != size) {
      fail(fmt::format("{} tokens with {} types", size, vocabulary.token_types.size()));
    }
  }

  std::optional<int32_t> token_id(std::string_view key, size_t size) const {
    const std::optional<int64_t> id = metadata_.integer(own(key));
    if (!id) return std::nullopt;
    if (*id < 0 || static_cast<uint64_t>(*id) >= size) fail(fmt::format("{} is {} of {} tokens", own(key), *id, size));
    return static_cast<int32_t>(*id);
  }

  const GgufMetadata& metadata_;
  std::string_view where_;
};

}  // namespace

GgufVocabulary parse_gguf_vocabulary(std::string_view bytes, std::string_view where) {
  const std::string named(where);
  ByteReader reader(std::as_bytes(std::span(bytes)), named.c_str());
  return Reader(read_gguf_preamble(reader).metadata, where).read();
}

}  // namespace imago::tokenizers
