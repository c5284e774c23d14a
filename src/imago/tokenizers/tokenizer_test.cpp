// Tokenizers against what the reference made of the same texts: small ones from golden/ (written by
// tools/tokenizers/write_golden.py), and the vocabularies of the shared data where they are.
#include "imago/tokenizers/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"

namespace imago {
namespace {

const std::string kData = IMAGO_SOURCE_DIR "/../shared/data/tokenizers/";
const std::string kGolden = IMAGO_SOURCE_DIR "/src/imago/tokenizers/golden/combinations.jsonl";

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

template <class T>
Json optional_list(const std::vector<std::optional<T>>& list) {
  Json json = Json::array();
  for (const std::optional<T>& value : list) json.push_back(value ? Json(*value) : Json());
  return json;
}

Json to_json(const Encoding& encoding) {
  Json json;
  json["ids"] = encoding.ids;
  json["type_ids"] = encoding.type_ids;
  json["tokens"] = encoding.tokens;
  json["offsets"] = Json::array();
  for (const Offsets& offsets : encoding.offsets) json["offsets"].push_back({offsets.begin, offsets.end});
  json["word_ids"] = optional_list(encoding.word_ids);
  json["sequence_ids"] = optional_list(encoding.sequence_ids());
  json["special_tokens_mask"] = encoding.special_tokens_mask;
  json["attention_mask"] = encoding.attention_mask;
  json["overflowing"] = Json::array();
  for (const Encoding& window : encoding.overflowing) json["overflowing"].push_back(to_json(window));
  return json;
}

TEST(Tokenizer, SmallTokenizersEqualTheReferenceInEveryField) {
  const std::vector<std::string> lines = lines_of(kGolden);
  ASSERT_FALSE(lines.empty());
  for (const std::string& line : lines) {
    const Json golden = parse_json(line, kGolden);
    const std::string file = golden["file"].get<std::string>();
    const Tokenizer tokenizer = Tokenizer::from_json(file);
    EXPECT_EQ(tokenizer.to_json(), file) << "saved as the reference saves it";
    for (const Json& item : golden["cases"]) {
      const Json& request = item["request"];
      Json expected = item["expected"];
      const std::string decoded = expected["text"].get<std::string>();
      expected.erase("text");
      EncodeOptions options;
      options.add_special_tokens = request["add_special_tokens"].get<bool>();
      std::string pair;
      if (request.contains("pair")) {
        pair = request["pair"].get<std::string>();
        options.pair = pair;
      }
      Encoding encoding;
      if (request.contains("words")) {
        encoding = tokenizer.encode_words(request["words"].get<std::vector<std::string>>(), options);
      } else {
        encoding = tokenizer.encode(request["text"].get<std::string>(), options);
        EXPECT_EQ(tokenizer.encode_ids(request["text"].get<std::string>(), options), encoding.ids);
      }
      EXPECT_EQ(to_json(encoding), expected) << dump_json(request);
      EXPECT_EQ(tokenizer.decode(encoding.ids, {.skip_special_tokens = request["skip_special_tokens"].get<bool>()}),
                decoded);
    }
  }
}

// Inputs and ids of one vocabulary: the inputs are separated by a marker line, the ids are one line each.
void check_inputs(const std::string& vocabulary, const std::string& name) {
  const std::string path = kData + vocabulary;
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const Tokenizer tokenizer = Tokenizer::from_file(path);
  const std::string inputs = read_file(kData + "gguf/" + name + ".inp");
  const std::vector<std::string> ids = lines_of(kData + "gguf/" + name + ".out");
  const std::string marker = "\n__ggml_vocab_test__\n";
  size_t at = 0;
  for (const std::string& line : ids) {
    const size_t end = inputs.find(marker, at);
    ASSERT_NE(end, std::string::npos);
    std::istringstream numbers(line);
    const std::vector<int32_t> expected{std::istream_iterator<int32_t>(numbers), std::istream_iterator<int32_t>()};
    EXPECT_EQ(tokenizer.encode_ids(inputs.substr(at, end - at), {.add_special_tokens = false}), expected)
        << inputs.substr(at, end - at);
    at = end + marker.size();
  }
  EXPECT_GE(ids.size(), 46u);
}

TEST(Tokenizer, RobertaInputs) { check_inputs("roberta/tokenizer.json", "ggml-vocab-roberta-bpe.gguf"); }
TEST(Tokenizer, Llama2Inputs) { check_inputs("llama2/tokenizer.json", "ggml-vocab-llama-spm.gguf"); }

TEST(Tokenizer, SquadQuestions) {
  const std::string path = kData + "bert/squad_questions.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const Tokenizer tokenizer = Tokenizer::from_file(kData + "bert/bert-base-uncased.tokenizer.json");
  for (const std::string& line : lines_of(path)) {
    const Json question = parse_json(line, path);
    const std::string text = question["text"].get<std::string>();
    const Encoding encoding = tokenizer.encode(text, {.add_special_tokens = false});
    ASSERT_EQ(encoding.ids, question["ids"].get<std::vector<int32_t>>()) << text;
    ASSERT_EQ(encoding.tokens, question["wordpiece"].get<std::vector<std::string>>()) << text;
  }
}

TEST(Tokenizer, HubCases) {
  const std::string path = kData + "hf_cases.jsonl";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const std::vector<std::pair<std::string, std::string>> vocabularies = {
      {"bert-base-uncased", "bert/bert-base-uncased.tokenizer.json"},
      {"Llama-2-7b-chat-coreml", "llama2/tokenizer.json"},
      {"whisper-large-v2", "whisper/tokenizer.json"},
      {"t5-base", "t5/tokenizer.json"}};
  size_t checked = 0;
  for (const auto& [model, file] : vocabularies) {
    const Tokenizer tokenizer = Tokenizer::from_file(kData + file);
    for (const std::string& line : lines_of(path)) {
      const Json item = parse_json(line, path);
      if (item["model"].get<std::string>().find(model) == std::string::npos) continue;
      const std::string text = item["input"].get<std::string>();
      // The copy of Llama 2's file has spaces in the four tokens that should have no-break spaces.
      if (file == "llama2/tokenizer.json" && text.find("\u00A0") != std::string::npos) continue;
      const std::vector<int32_t> ids = item["encoded"]["input_ids"].get<std::vector<int32_t>>();
      EXPECT_EQ(tokenizer.encode_ids(text), ids) << model << ": " << text;
      EXPECT_EQ(tokenizer.decode(ids), item["decoded_with_special"].get<std::string>()) << model << ": " << text;
      ++checked;
    }
  }
  EXPECT_GT(checked, 30u);
}

TEST(Tokenizer, FrenchTexts) {
  const std::vector<std::pair<std::string, std::string>> files = {
      {"bert/bert_uncased_encoded.json", "bert/bert-base-uncased.tokenizer.json"},
      {"t5/t5_base_encoded.json", "t5/tokenizer.json"},
      {"whisper/whisper_large_v2_encoded.json", "whisper/tokenizer.json"}};
  if (!std::filesystem::exists(kData)) GTEST_SKIP() << kData << " is not there";
  for (const auto& [expected, vocabulary] : files) {
    const Json golden = read_json(kData + expected);
    const Tokenizer tokenizer = Tokenizer::from_file(kData + vocabulary);
    EXPECT_EQ(tokenizer.encode(golden["text"].get<std::string>()).ids, golden["token_ids"].get<std::vector<int32_t>>())
        << expected;
  }
}

constexpr std::string_view kSmall = R"({"version":"1.0","added_tokens":[
  {"id":3,"content":"<|user|>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
  "normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
  "decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
  "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":[["a","b"]]}})";

TEST(Tokenizer, TextCannotSpellSpecialTokensUnlessTheCallerSaysSo) {
  const Tokenizer tokenizer = Tokenizer::from_json(kSmall);
  EXPECT_EQ(tokenizer.encode_ids("ab<|user|>a"), (std::vector<int32_t>{2, 3, 0}));
  const std::vector<int32_t> plain = tokenizer.encode_ids("ab<|user|>a", {.parse_special_tokens = false});
  EXPECT_EQ(std::count(plain.begin(), plain.end(), 3), 0);
}

TEST(Tokenizer, NamesWhatItDoesNotSupport) {
  const auto message = [](std::string json) -> std::string {
    try {
      Tokenizer::from_json(json);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string model = R"("model":{"type":"WordLevel","vocab":{"a":0},"unk_token":"a"})";
  EXPECT_THAT(message("{" + model + R"(,"normalizer":{"type":"Rot13"}})"), testing::HasSubstr("'Rot13' is unknown"));
  EXPECT_THAT(message("{" + model + R"(,"decoder":{"type":"Fuse","twice":true}})"),
              testing::HasSubstr("'twice' is unknown"));
  EXPECT_THAT(
      message("{" + model +
              R"(,"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated","invert":false}})"),
      testing::HasSubstr("(a"));
  EXPECT_THAT(message("{}"), testing::HasSubstr("'model' is missing"));
  EXPECT_THAT(message("{"), testing::HasSubstr("tokenizer.json"));
  EXPECT_THAT(message(R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","b"]]}})"), testing::HasSubstr("'b'"));
  std::string nested = R"({"type":"Sequence","normalizers":[]})";
  for (int i = 0; i < 100; ++i) nested = R"({"type":"Sequence","normalizers":[)" + nested + "]}";
  EXPECT_THAT(message("{" + model + ",\"normalizer\":" + nested + "}"), testing::HasSubstr("nested"));
}

TEST(Tokenizer, RefusesTextThatIsNotUtf8) {
  const Tokenizer tokenizer = Tokenizer::from_json(kSmall);
  EXPECT_THROW(tokenizer.encode("a\xFF"), Error);
  EXPECT_THROW(tokenizer.encode_ids("\xED\xA0\x80"), Error);
}

TEST(Tokenizer, CopiesDoNotShareChanges) {
  const Tokenizer tokenizer = Tokenizer::from_json(kSmall);
  Tokenizer copy = tokenizer;
  EXPECT_EQ(copy.add_tokens(std::vector<AddedToken>{{.content = "new"}}), 1u);
  EXPECT_EQ(copy.token_to_id("new"), 4);
  EXPECT_EQ(tokenizer.token_to_id("new"), std::nullopt);
}

TEST(DecodeStream, GivesWholeCharacters) {
  const std::string path = kData + "gpt-neox/tokenizer.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const Tokenizer tokenizer = Tokenizer::from_file(path);
  const std::string text =
      "Hello \u4e2d\u6587 \U0001F600\U0001F468\u200D\U0001F469 na\u00efve \u0928\u092e\u0938\u094d\u0924\u0947 end";
  DecodeStream stream(tokenizer);
  std::string streamed;
  for (int32_t id : tokenizer.encode_ids(text)) {
    const std::string piece = stream.step(id);
    EXPECT_EQ(piece.find("\uFFFD"), std::string::npos);
    streamed += piece;
  }
  EXPECT_EQ(streamed, text);
}

TEST(Tokenizer, ManyThreadsGiveTheSameIds) {
  const std::string path = kData + "gpt-neox/tokenizer.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  const Tokenizer tokenizer = Tokenizer::from_file(path);
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i)
    texts.push_back("Text number " + std::to_string(i * 7919) + " with words, " + std::string(i % 5, '!'));
  const std::vector<Encoding> batch = tokenizer.encode_batch(texts);
  ASSERT_EQ(batch.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(batch[i].ids, tokenizer.encode_ids(texts[i]));
}

}  // namespace
}  // namespace imago
