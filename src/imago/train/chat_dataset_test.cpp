#include "imago/train/chat_dataset.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/nn/dropout.h"
#include "imago/train/masked_language_modeling.h"
#include "imago/train/metrics.h"
#include "imago/train/preference_loss.h"

namespace imago {
namespace {

const std::string kGolden = IMAGO_SOURCE_DIR "/src/imago/train/testdata/chat";

// As TRL's trainers make them of the same rows: see tools/golden/chats.py.
TEST(ChatTokenizer, MakesTheReferencesTokensAndMasks) {
  const Json golden = read_json(kGolden + "/golden.json");
  const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(kGolden);
  for (const Json& each : golden.at("cases")) {
    SCOPED_TRACE(dump_json(each.at("row")));
    const ChatDatasetOptions options{.max_length = each.at("max_length").get<int64_t>(),
                                     .assistant_only_loss = each.at("assistant_only_loss").get<bool>()};
    const ChatTokenizer chats(kGolden, tokenizer, options);
    const MaskedTokens tokens = chats.tokens({each.at("row"), "row"});
    EXPECT_EQ(tokens.ids, each.at("input_ids").get<std::vector<int64_t>>());
    EXPECT_EQ(tokens.learned, each.at("learned").get<std::vector<uint8_t>>());
  }
}

TEST(ChatTokenizer, FindsTheAssistantsTurnsWhereTheTemplateDoesNotSay) {
  const Json golden = read_json(kGolden + "/golden.json");
  const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(kGolden);
  for (const Json& each : golden.at("cases")) {
    if (!each.at("assistant_only_loss").get<bool>() || !each.at("row").contains("messages")) continue;
    const ChatDatasetOptions options{.assistant_only_loss = true};
    const ChatTokenizer told(kGolden, tokenizer, options), found(kGolden + "/untold", tokenizer, options);
    const Row row{each.at("row"), "row"};
    EXPECT_EQ(told.tokens(row).learned, found.tokens(row).learned);
  }
}

TEST(ChatDataset, SaysWhereNothingWouldBeLearned) {
  const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(kGolden);
  const ChatDatasetOptions options{.max_length = 3, .assistant_only_loss = true};
  const ChatTokenizer chats(kGolden, tokenizer, options);
  const Json row = parse_json(R"({"messages": [{"role": "user", "content": "a long question"},
                                              {"role": "assistant", "content": "yes"}]})",
                              "test");
  try {
    chat_dataset({{row, "chats.jsonl:7"}}, chats, options);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("chats.jsonl:7"));
    EXPECT_THAT(error.what(), testing::HasSubstr("nothing would be learned"));
  }
}

// torch.manual_seed(5) before the reference's collator: see tools/golden/chats.py.
TEST(MaskedLanguageModeling, MasksWhatTheReferenceMasks) {
  const Json golden = read_json(kGolden + "/masking.json");
  const PretrainedTokenizer tokenizer = PretrainedTokenizer::from_folder(kGolden);
  for (const Json& each : golden.at("cases")) {
    const MemoryDataset examples =
        texts_with_word_ids(each.at("texts").get<std::vector<std::string>>(), tokenizer.tokenizer(), 512);
    std::vector<TensorMap> rows;
    for (int64_t i = 0; i < examples.size(); ++i) rows.push_back(examples.example(i));
    const bool whole = each.at("whole_word_mask").get<bool>();
    SCOPED_TRACE(whole);
    TorchGenerator generator(5);
    const nn::TrainingMode training(generator);
    const TensorMap batch =
        data_collator_for_masked_language_modeling(tokenizer, {.mlm_probability = 0.4, .whole_word_mask = whole})(rows);
    EXPECT_EQ(batch.at("input_ids").to_vector<int64_t>(), each.at("input_ids").get<std::vector<int64_t>>());
    EXPECT_EQ(batch.at("labels").to_vector<int64_t>(), each.at("labels").get<std::vector<int64_t>>());
  }
}

TEST(JsonRows, ReadsCommasAndQuotes) {
  const std::string path = testing::TempDir() + "/rows.csv";
  write_file_atomically(path, "text,label\r\n\"a, \"\"b\"\"\nc\",1\nplain,0\n");
  const std::vector<Row> rows = read_rows(path);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(text_at(rows[0], "text"), "a, \"b\"\nc");
  EXPECT_EQ(text_at(rows[0], "label"), "1");
  EXPECT_EQ(rows[1].where, path + ":4");
  EXPECT_THROW(text_at(rows[1], "other"), Error);
  for (const char* broken : {"a,b\n1\n", "a\n\"open\n", "a\n\"x\"y\n"}) {
    write_file_atomically(path, broken);
    EXPECT_THROW(read_rows(path), Error) << broken;
  }
}

TEST(ClassificationMetrics, AreThoseOfScikitLearn) {
  ClassificationMetrics metric;
  // labels 0 1 2 2 1 (-100), predictions 0 2 2 2 1 0
  const Tensor logits = Tensor::from(std::vector<float>{1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0}, {6, 3});
  metric.add({{"logits", logits}}, {{"labels", Tensor::from(std::vector<int64_t>{0, 1, 2, 2, 1, -100})}});
  const auto values = metric.values();
  EXPECT_DOUBLE_EQ(values.at("accuracy"), 0.8);
  // sklearn.metrics.f1_score([0, 1, 2, 2, 1], [0, 2, 2, 2, 1], average="macro")
  EXPECT_NEAR(values.at("f1"), 0.8222222222222223, 1e-15);
}

}  // namespace
}  // namespace imago
