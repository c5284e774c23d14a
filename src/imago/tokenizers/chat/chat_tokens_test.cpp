#include "imago/tokenizers/chat/chat_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "imago/base/json.h"
#include "imago/base/unicode.h"

namespace imago::chat {
namespace {

// Written by tools/chat/write_token_golden.py.
const std::string kGolden = IMAGO_SOURCE_DIR "/src/imago/tokenizers/chat/golden/tokens.jsonl";

struct GoldenKind {
  explicit GoldenKind(const Json& line)
      : tokenizer(Tokenizer::from_json(line["tokenizer"].get<std::string>())),
        chat_template(line["template"].get<std::string>()),
        variables(line["variables"]) {}

  RenderedChat apply(const Json& messages) const {
    Json request = variables;
    request["messages"] = messages;
    return chat_template.apply(request);
  }

  Tokenizer tokenizer;
  ChatTemplate chat_template;
  Json variables;
};

template <class Check>
void for_each_golden(const Check& check) {
  std::ifstream lines(kGolden);
  int kinds = 0;
  for (std::string line; std::getline(lines, line); ++kinds) {
    const Json golden = parse_json(line, kGolden);
    SCOPED_TRACE(golden["name"].get<std::string>());
    const GoldenKind kind(golden);
    for (const Json& item : golden["cases"]) check(kind, item);
  }
  EXPECT_EQ(kinds, 3);
}

TEST(ChatTokens, IdsAndAssistantMaskAreTheReferences) {
  for_each_golden([](const GoldenKind& kind, const Json& item) {
    const RenderedChat prompt = kind.apply(item["messages"]);
    const Encoding encoding = kind.tokenizer.encode(prompt.text, {.add_special_tokens = false});
    EXPECT_EQ(Json(encoding.ids), item["input_ids"]) << prompt.text;
    EXPECT_EQ(Json(assistant_tokens_mask(prompt, encoding)), item["assistant_masks"]) << prompt.text;
  });
}

TEST(ChatTokens, TextOfTheCallerNeverBecomesAControlToken) {
  for_each_golden([](const GoldenKind& kind, const Json& item) {
    const RenderedChat prompt = kind.apply(item["messages"]);
    const LiteralText user = user_text(prompt, kind.chat_template, kind.tokenizer);
    const EncodeOptions options{.add_special_tokens = false, .literal = &user};
    EXPECT_EQ(Json(kind.tokenizer.encode(prompt.text, options).ids), item["sanitized_ids"]) << prompt.text;
    EXPECT_EQ(Json(kind.tokenizer.encode_ids(prompt.text, options)), item["sanitized_ids"]) << prompt.text;
  });
}

TEST(ChatTokens, ControlTokensAreTheSpecialOnesAndThoseThatTheTemplateWrites) {
  bool found = false;
  for_each_golden([&](const GoldenKind& kind, const Json& item) {
    if (!kind.tokenizer.token_to_id("<think>")) return;
    found = true;
    const LiteralText user = user_text(kind.apply(item["messages"]), kind.chat_template, kind.tokenizer);
    const std::vector<int32_t> expected = {*kind.tokenizer.token_to_id("<think>"),
                                           *kind.tokenizer.token_to_id("</think>")};
    EXPECT_EQ(user.control_tokens, expected);
  });
  EXPECT_TRUE(found);
}

// A token that the template and the caller spell together is nobody's.
TEST(ChatTokens, NoTokenReachesIntoTheCallersText) {
  for_each_golden([](const GoldenKind& kind, const Json&) {
    const std::string token = kind.tokenizer.added_tokens().back().content;
    const ChatTemplate split("{{ '" + token.substr(0, 2) + "' + messages[0].content + '" + token.substr(4) + "' }}");
    const Json request = {{"messages", {{{"role", "user"}, {"content", token.substr(2, 2)}}}}};
    const RenderedChat prompt = split.apply(request);
    ASSERT_EQ(prompt.text, token);
    LiteralText user = user_text(prompt, split, kind.tokenizer);
    user.control_tokens = {*kind.tokenizer.token_to_id(token)};
    const auto ids = kind.tokenizer.encode_ids(prompt.text, {.add_special_tokens = false, .literal = &user});
    EXPECT_EQ(std::count(ids.begin(), ids.end(), user.control_tokens[0]), 0);
  });
}

// Of real vocabularies: neither does a special token's text become the token, nor does it take away its neighbours.
TEST(ChatTokens, EverySpecialTokenOfRealVocabulariesIsTextWhereItIsLiteral) {
  const std::string data = IMAGO_SOURCE_DIR "/../shared/data/tokenizers/";
  int tested = 0;
  for (const char* folder : {"roberta", "clip", "t5", "llama2", "gpt-neox", "whisper"}) {
    const std::string path = data + folder + "/tokenizer.json";
    if (!std::filesystem::exists(path)) continue;
    const Tokenizer tokenizer = Tokenizer::from_file(path);
    for (const AddedToken& token : tokenizer.added_tokens()) {
      const bool is_unknown = token.content == "<unk>";  // which any text may become
      if (!token.special || is_unknown || !is_ascii(token.content)) continue;
      const std::string text = token.content + "a " + token.content + " b" + token.content + token.content;
      const size_t begin = token.content.size() + 2;  // characters are bytes: these tokens are ASCII
      const LiteralText middle{.ranges = {{begin, begin + token.content.size()}}, .control_tokens = {}};
      const auto places = [&](const LiteralText* literal) {
        const Encoding encoding = tokenizer.encode(text, {.add_special_tokens = false, .literal = literal});
        std::vector<size_t> begins;
        for (size_t i = 0; i < encoding.size(); ++i) {
          if (encoding.ids[i] == token.id) begins.push_back(encoding.offsets[i].begin);
        }
        return begins;
      };
      std::vector<size_t> expected = places(nullptr);
      std::erase_if(expected, [&](size_t place) { return place + 1 >= begin && place < begin + token.content.size(); });
      EXPECT_EQ(places(&middle), expected) << path << " " << token.content;
      ++tested;
    }
  }
  if (tested == 0) GTEST_SKIP() << "shared/data/tokenizers is not there";
}

}  // namespace
}  // namespace imago::chat
