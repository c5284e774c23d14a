#include "imago/tokenizers/legacy/gguf_vocabulary.h"

#include <gtest/gtest.h>

#include <cstring>

#include "imago/base/error.h"
#include "imago/base/gguf_metadata.h"

namespace imago::tokenizers {
namespace {

template <class T>
std::string number(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

std::string text(std::string_view value) { return number<uint64_t>(value.size()) + std::string(value); }

std::string type(GgufType value) { return number(static_cast<uint32_t>(value)); }

std::string entry(std::string_view key, GgufType kind, const std::string& value) {
  return text(key) + type(kind) + value;
}

std::string array(std::string_view key, GgufType element, uint64_t count, const std::string& elements) {
  return text(key) + type(GgufType::kArray) + type(element) + number(count) + elements;
}

std::string file(const std::vector<std::string>& entries, uint32_t version = 3) {
  std::string bytes = "GGUF" + number(version) + number<uint64_t>(0) + number<uint64_t>(entries.size());
  for (const std::string& one : entries) bytes += one;
  return bytes;
}

const std::string kModel = entry("tokenizer.ggml.model", GgufType::kString, text("llama"));
const std::string kTokens =
    array("tokenizer.ggml.tokens", GgufType::kString, 3, text("<unk>") + text("a") + text("\u4e2d"));

std::vector<std::string> small_vocabulary() {
  return {kModel,
          kTokens,
          array("tokenizer.ggml.scores", GgufType::kFloat32, 3, number(0.0F) + number(-1.0F) + number(-2.0F)),
          array("tokenizer.ggml.token_type", GgufType::kInt32, 3,
                number<int32_t>(2) + number<int32_t>(1) + number<int32_t>(1)),
          array("tokenizer.ggml.merges", GgufType::kString, 1, text("a a")),
          array("tokenizer.ggml.precompiled_charsmap", GgufType::kUint8, 2, "xy"),
          entry("tokenizer.ggml.bos_token_id", GgufType::kUint32, number<uint32_t>(1)),
          entry("tokenizer.ggml.seperator_token_id", GgufType::kUint64, number<uint64_t>(2)),
          entry("tokenizer.ggml.add_bos_token", GgufType::kBool, number<uint8_t>(1)),
          entry("tokenizer.chat_template", GgufType::kString, text("{{ messages }}")),
          entry("general.architecture", GgufType::kString, text("llama")),
          array("some.other.list", GgufType::kFloat64, 1, number(1.0))};
}

ErrorKind refusal(const std::string& bytes) {
  try {
    parse_gguf_vocabulary(bytes, "test");
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::kInternal;
}

TEST(GgufVocabulary, ReadsWhatIsAboutTheTokenizer) {
  const std::string bytes = file(small_vocabulary());
  const GgufVocabulary vocabulary = parse_gguf_vocabulary(bytes, "test");
  EXPECT_EQ(vocabulary.architecture, "llama");
  EXPECT_EQ(vocabulary.model, "llama");
  EXPECT_EQ(vocabulary.pre, "");
  EXPECT_EQ(vocabulary.tokens, (std::vector<std::string_view>{"<unk>", "a", "\u4e2d"}));
  EXPECT_EQ(vocabulary.scores, (std::vector<float>{0, -1, -2}));
  EXPECT_EQ(vocabulary.token_types[0], GgufVocabulary::TokenType::kUnknown);
  EXPECT_EQ(vocabulary.merges, std::vector<std::string_view>{"a a"});
  EXPECT_EQ(vocabulary.precompiled_charsmap, "xy");
  EXPECT_EQ(vocabulary.bos_token_id, 1);
  EXPECT_EQ(vocabulary.separator_token_id, 2);
  EXPECT_EQ(vocabulary.eos_token_id, std::nullopt);
  EXPECT_EQ(vocabulary.add_bos_token, true);
  EXPECT_EQ(vocabulary.add_eos_token, std::nullopt);
  EXPECT_EQ(vocabulary.chat_template, "{{ messages }}");
}

TEST(GgufVocabulary, ATruncatedFileIsRefused) {
  const std::string whole = file(small_vocabulary());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(refusal(whole.substr(0, size)), ErrorKind::kInvalidFile) << size;
  }
}

TEST(GgufVocabulary, OtherVersionsAreNamed) {
  EXPECT_EQ(refusal(file(small_vocabulary(), 1)), ErrorKind::kUnsupported);
  EXPECT_EQ(refusal(file(small_vocabulary(), 4)), ErrorKind::kUnsupported);
  EXPECT_EQ(refusal(file(small_vocabulary(), 0x03000000)), ErrorKind::kUnsupported);  // big-endian
}

TEST(GgufVocabulary, CountsBeyondTheFileAreRefusedBeforeMemoryIsTaken) {
  constexpr uint64_t kHuge = uint64_t{1} << 60;
  for (const GgufType element : {GgufType::kString, GgufType::kFloat32, GgufType::kUint8, GgufType::kFloat64}) {
    EXPECT_EQ(refusal(file({kModel, array("tokenizer.ggml.tokens", element, kHuge, text("a"))})),
              ErrorKind::kInvalidFile);
  }
  const std::string long_key = number(kHuge) + "tokenizer.ggml.model";
  EXPECT_EQ(refusal(file({long_key})), ErrorKind::kInvalidFile);
  std::string many = file(small_vocabulary());
  many.replace(16, 8, number(kHuge));  // entries
  EXPECT_EQ(refusal(many), ErrorKind::kLimitExceeded);
}

TEST(GgufVocabulary, ContradictionsAreRefused) {
  const auto with = [](const std::string& further) { return refusal(file({kModel, kTokens, further})); };
  EXPECT_EQ(with(array("tokenizer.ggml.scores", GgufType::kFloat32, 2, number(0.0F) + number(0.0F))),
            ErrorKind::kInvalidFile);
  EXPECT_EQ(with(array("tokenizer.ggml.token_type", GgufType::kInt32, 1, number<int32_t>(1))), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(array("tokenizer.ggml.token_type", GgufType::kInt32, 3,
                       number<int32_t>(1) + number<int32_t>(7) + number<int32_t>(1))),
            ErrorKind::kInvalidFile);
  for (const uint32_t id : {3U, 0x7FFFFFFFU, 0xFFFFFFFFU}) {
    EXPECT_EQ(with(entry("tokenizer.ggml.eos_token_id", GgufType::kUint32, number(id))), ErrorKind::kInvalidFile);
  }
  EXPECT_EQ(with(entry("tokenizer.ggml.eos_token_id", GgufType::kInt32, number<int32_t>(-1))), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(entry("tokenizer.ggml.eos_token_id", GgufType::kUint64, number(~uint64_t{0}))),
            ErrorKind::kInvalidFile);
  EXPECT_EQ(with(kModel), ErrorKind::kInvalidFile);  // a key twice
  EXPECT_EQ(refusal(file({kModel})), ErrorKind::kInvalidFile);
  EXPECT_EQ(refusal(file({kTokens})), ErrorKind::kInvalidFile);
  EXPECT_EQ(refusal(file({})), ErrorKind::kInvalidFile);
}

TEST(GgufVocabulary, ValuesOfOtherTypesAreRefused) {
  const auto with = [](const std::string& further) { return refusal(file({kModel, kTokens, further})); };
  EXPECT_EQ(with(entry("tokenizer.ggml.pre", GgufType::kUint32, number<uint32_t>(1))), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(entry("tokenizer.ggml.pre", GgufType::kString, text("\xff"))), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(entry("tokenizer.ggml.eos_token_id", GgufType::kString, text("1"))), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(entry("tokenizer.ggml.add_eos_token", GgufType::kUint8, number<uint8_t>(1))), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(entry("tokenizer.ggml.add_eos_token", GgufType::kBool, number<uint8_t>(2))), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(array("tokenizer.ggml.merges", GgufType::kUint8, 1, "a")), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(array("tokenizer.ggml.merges", GgufType::kString, 1, text("\xc3"))), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(array("tokenizer.ggml.precompiled_charsmap", GgufType::kFloat32, 1, number(1.0F))),
            ErrorKind::kInvalidFile);
  EXPECT_EQ(with(array("some.list", GgufType::kArray, 0, "")), ErrorKind::kUnsupported);
  EXPECT_EQ(with(text("some.value") + number<uint32_t>(13)), ErrorKind::kInvalidFile);
  EXPECT_EQ(with(text("") + type(GgufType::kBool) + number<uint8_t>(1)), ErrorKind::kInvalidFile);
}

}  // namespace
}  // namespace imago::tokenizers
