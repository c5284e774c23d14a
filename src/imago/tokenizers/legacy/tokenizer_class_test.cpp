#include "imago/tokenizers/legacy/tokenizer_class.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/tokenizers/pretrained_tokenizer.h"

namespace imago::tokenizers {
namespace {

namespace fs = std::filesystem;

// Written by tools/tokenizers/write_legacy_golden.py.
const std::string kGolden = IMAGO_SOURCE_DIR "/src/imago/tokenizers/legacy/golden/";

std::string decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  uint32_t bits = 0, count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<uint32_t>(kAlphabet.find(c));
    if (++count % 4 != 1) bytes += static_cast<char>(bits >> (6 - 2 * ((count - 1) % 4)) & 0xFF);
  }
  return bytes;
}

// A folder with the vocabulary files of a golden line, gone at the end.
class Folder {
 public:
  Folder(const Json& vocabularies, const Json& golden)
      : path_(testing::TempDir() + "legacy_" + golden["name"].get<std::string>()) {
    fs::remove_all(path_);
    fs::create_directories(path_);
    write("tokenizer_config.json", dump_json(golden["config"]));
    const Json& vocabulary = vocabularies[golden["vocabulary"].get<std::string>()];
    if (vocabulary.is_string()) {
      write(golden["file"].get<std::string>(), decode_base64(vocabulary.get<std::string>()));
    } else {
      for (const auto& [name, content] : vocabulary.items()) write(name, decode_base64(content.get<std::string>()));
    }
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void write(const std::string& name, const std::string& content) const {
    write_file_atomically(path_ + "/" + name, content);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

template <class Check>
void for_each_class(const Check& check) {
  int classes = 0;
  for (const char* file : {"classes.jsonl", "python_classes.jsonl"}) {
    std::ifstream lines(kGolden + file);
    std::string line;
    ASSERT_TRUE(std::getline(lines, line)) << file;
    const Json vocabularies = parse_json(line, file);
    for (; std::getline(lines, line); ++classes) {
      const Json golden = parse_json(line, file);
      SCOPED_TRACE(golden["name"].get<std::string>());
      const Folder folder(vocabularies, golden);
      try {
        check(golden, folder);
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    }
  }
  EXPECT_GT(classes, 110);
}

TEST(TokenizerClass, BuildsTheStagesOfTheReference) {
  for_each_class([](const Json& golden, const Folder& folder) {
    const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(folder.path());
    if (!golden["stages"].empty()) {
      const Json ours = parse_json(tokenizer.tokenizer().to_json(), "tokenizer.json");
      for (const auto& [stage, expected] : golden["stages"].items()) EXPECT_EQ(ours[stage], expected) << stage;
      for (const auto& [key, expected] : golden["model"].items()) EXPECT_EQ(ours["model"][key], expected) << key;
    }
    EXPECT_EQ(Json(tokenizer.tokenizer().vocab_size()), golden["size"]);
    EXPECT_EQ(Json(tokenizer.padding_side()), golden["padding_side"]);
    for (const auto& item : golden["cases"]) {
      EncodeOptions options;
      const auto text = item["text"][0].get<std::string>();
      const std::string pair = item["text"].size() > 1 ? item["text"][1].get<std::string>() : "";
      if (item["text"].size() > 1) options.pair = pair;
      const std::vector<int32_t> ids = tokenizer.tokenizer().encode(text, options).ids;
      EXPECT_EQ(Json(ids), item["ids"]) << item["text"];
      EXPECT_EQ(tokenizer.tokenizer().encode_ids(text, options), ids) << item["text"];
      if (!item.contains("decoded")) continue;
      const std::vector<int64_t> wide(ids.begin(), ids.end());
      for (const bool skip : {false, true}) {
        EXPECT_EQ(Json(tokenizer.decode(wide, skip)), item["decoded"][skip]) << item["text"] << skip;
      }
    }
  });
}

TEST(TokenizerClass, KnowsTheSpecialTokensOfTheReference) {
  for_each_class([](const Json& golden, const Folder& folder) {
    const SpecialTokens tokens = PretrainedTokenizer::from_folder(folder.path()).special_tokens();
    const std::pair<const char*, std::optional<std::string>> roles[] = {
        {"bos_token", tokens.bos_token},  {"eos_token", tokens.eos_token}, {"unk_token", tokens.unk_token},
        {"sep_token", tokens.sep_token},  {"pad_token", tokens.pad_token}, {"cls_token", tokens.cls_token},
        {"mask_token", tokens.mask_token}};
    for (const auto& [role, token] : roles) {
      EXPECT_EQ(Json(token.value_or("")), golden["special_tokens"].value(role, Json(""))) << role;
    }
  });
}

TEST(TokenizerClass, IsFoundByNameAndByModelType) {
  EXPECT_EQ(find_tokenizer_class("MBart50TokenizerFast"), find_tokenizer_class("MBart50Tokenizer"));
  EXPECT_NE(find_tokenizer_class("MBart50Tokenizer"), nullptr);
  EXPECT_EQ(find_tokenizer_class("NoSuchTokenizer"), nullptr);
  EXPECT_EQ(tokenizer_class_of_model("mm-grounding-dino"), "BertTokenizer");
  EXPECT_EQ(tokenizer_class_of_model("dino"), "");
  EXPECT_EQ(tokenizer_class_of_model(""), "");
}

TEST(TokenizerClass, IsRefusedByNameWithTheReason) {
  EXPECT_EQ(why_refused("BertTokenizer"), nullptr);
  const std::string path = testing::TempDir() + "refused_class";
  fs::create_directories(path);
  write_file_atomically(path + "/tokenizer_config.json", R"({"tokenizer_class": "FSMTTokenizer"})");
  try {
    PretrainedTokenizer::from_folder(path);
    ADD_FAILURE() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
    EXPECT_NE(std::string(error.what()).find("FSMTTokenizer"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("Moses"), std::string::npos) << error.what();
  }
  fs::remove_all(path);
}

TEST(TokenizerClass, AnOptionOfTheWrongKindIsRefusedByName) {
  for_each_class([](const Json& golden, const Folder& folder) {
    if (golden["name"] != "T5Tokenizer") return;
    for (const char* config : {R"({"tokenizer_class": "T5Tokenizer", "extra_ids": "ten"})",
                               R"({"tokenizer_class": "T5Tokenizer", "extra_ids": 1000000000})"}) {
      folder.write("tokenizer_config.json", config);
      try {
        PretrainedTokenizer::from_folder(folder.path());
        ADD_FAILURE() << config << " was taken";
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("extra_ids"), std::string::npos) << error.what();
      }
    }
  });
}

}  // namespace
}  // namespace imago::tokenizers
