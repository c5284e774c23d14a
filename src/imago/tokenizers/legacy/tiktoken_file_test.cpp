#include "imago/tokenizers/legacy/tiktoken_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/tokenizers/legacy/legacy_tokenizer.h"

namespace imago::tokenizers {
namespace {

namespace fs = std::filesystem;

const std::string kData = IMAGO_SOURCE_DIR "/../shared/data/tokenizers/";

ErrorKind refusal(std::string_view text) {
  try {
    parse_tiktoken(text, "test");
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::kInternal;
}

TEST(TiktokenFile, ReadsBytesAndRanks) {
  // Of one, two and three bytes; ranks need not follow one another, nor the last line end.
  const Vocabulary ranks = parse_tiktoken("IQ== 0\r\nIiM= 7\n\n//79 3\nYQ== 1\n= 8", "test");
  EXPECT_EQ(ranks.size(), 5u);
  EXPECT_EQ(ranks.find(""), 8);
  EXPECT_EQ(ranks.find("!"), 0);
  EXPECT_EQ(ranks.find("\"#"), 7);
  EXPECT_EQ(ranks.find("\xff\xfe\xfd"), 3);
  EXPECT_EQ(ranks.find("a"), 1);
}

TEST(TiktokenFile, MalformedLinesAreRefused) {
  const std::string_view files[] = {"",
                                    "\n\n",
                                    "IQ==",
                                    "IQ== ",
                                    "IQ==\t0",
                                    "IQ== x",
                                    "IQ== -1",
                                    "IQ== 0x1",
                                    "IQ== 0 ",
                                    "IQ==  0",
                                    " 0",
                                    "IQ 0",
                                    "I=== 0",
                                    "==== 0",
                                    "I*== 0",
                                    "IQ=I 0",
                                    "IQ== 0\nIQ",
                                    "IQ== 0 0",
                                    "IQ== +1",
                                    "\xff 0",
                                    "IQ== 0\nIg== 0",
                                    "IQ== 0\nIQ== 1",
                                    "IQ== 99999999999999999999999"};
  for (const std::string_view file : files) EXPECT_EQ(refusal(file), ErrorKind::kInvalidFile) << file;
}

TEST(TiktokenFile, ALargeRankTakesNoMemory) {
  EXPECT_EQ(refusal("IQ== 4194304"), ErrorKind::kLimitExceeded);
  EXPECT_EQ(refusal("IQ== 9223372036854775807"), ErrorKind::kLimitExceeded);
}

TEST(TiktokenFile, IsToldFromASentencePieceModel) {
  EXPECT_TRUE(looks_like_tiktoken("IQ== 0\n..."));
  EXPECT_FALSE(looks_like_tiktoken(""));
  EXPECT_FALSE(looks_like_tiktoken("\n\x0e\n\x05<unk>\x15"));
  EXPECT_FALSE(looks_like_tiktoken(std::string(1 << 20, 'A')));
}

TEST(TiktokenFile, EncodingsAreFoundByName) {
  EXPECT_EQ(find_tiktoken_encoding("cl100k"), nullptr);
  ASSERT_NE(find_tiktoken_encoding("cl100k_base"), nullptr);
  EXPECT_EQ(find_tiktoken_encoding("cl100k_base")->special_tokens[4].id, 100276);
  // 99 languages, four tasks, the end, the start, no speech, no times, 1501 times; then one language more.
  EXPECT_EQ(find_tiktoken_encoding("multilingual")->special_tokens.back().id, 51864);
  EXPECT_EQ(find_tiktoken_encoding("whisper_large_v3")->special_tokens.back().id, 51865);
  EXPECT_EQ(find_tiktoken_encoding("whisper_large_v3")->special_tokens[101].content, "<|yue|>");
  EXPECT_EQ(find_tiktoken_encoding("whisper_english")->special_tokens.back().id, 51863);
}

TEST(TiktokenFile, WhispersHasTheAddedTokensOfTheReference) {
  const std::string path = kData + "whisper/multilingual.tiktoken";
  if (!fs::exists(path)) GTEST_SKIP() << "shared/data/tokenizers is not there";
  const auto added_tokens = [](const std::string& text) { return parse_json(text, "tokenizer.json")["added_tokens"]; };
  const LegacyTokenizer legacy = read_legacy_file(path);
  EXPECT_EQ(added_tokens(legacy.tokenizer.to_json()), added_tokens(read_file(kData + "whisper/tokenizer.json")));
}

TEST(TiktokenFile, EncodesAsTiktoken) {
  if (!fs::exists(kData + "tiktoken/cases.jsonl")) GTEST_SKIP() << "shared/data/tokenizers is not there";
  const std::pair<const char*, const char*> files[] = {{"r50k_base", "whisper/gpt2.tiktoken"},
                                                       {"cl100k_base", "tiktoken/cl100k_base.tiktoken"},
                                                       {"o200k_base", "tiktoken/o200k_base.tiktoken"}};
  const std::string cases = read_file(kData + "tiktoken/cases.jsonl");
  for (const auto& [encoding, file] : files) {
    const LegacyTokenizer legacy = read_legacy_file(kData + file);
    int tried = 0;
    for (size_t begin = 0; begin < cases.size(); begin = cases.find('\n', begin) + 1) {
      const Json item = parse_json(cases.substr(begin, cases.find('\n', begin) - begin), "cases.jsonl");
      if (item["encoding"] != encoding) continue;
      ++tried;
      EXPECT_EQ(Json(legacy.tokenizer.encode(item["text"].get<std::string>()).ids), item["ids"]) << item["text"];
    }
    EXPECT_GT(tried, 10) << encoding;
  }
}

}  // namespace
}  // namespace imago::tokenizers
