#include "imago/pipelines/sentence_transformer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/pipelines/cross_encoder.h"
#include "imago/pipelines/sentence_modules.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

const std::string kGoldens = IMAGO_SOURCE_DIR "/tests/golden/sentences";

void expect_rows(const Tensor& actual, const Json& expected, const std::string& where) {
  ASSERT_EQ(actual.size(0), static_cast<int64_t>(expected.size())) << where;
  const std::vector<float> flat = actual.to_vector<float>();
  size_t i = 0;
  for (const Json& row : expected) {
    const auto values = row.is_array() ? row.get<std::vector<double>>() : std::vector{row.get<double>()};
    ASSERT_EQ(static_cast<int64_t>(values.size()), actual.size(1)) << where;
    for (const double value : values) EXPECT_NEAR(flat[i++], value, 1e-5 * std::max(1.0, std::abs(value))) << where;
  }
}

template <class Options>
void set_common(Options& options, const Json& json) {
  if (json.contains("batch_size")) options.batch_size = json["batch_size"].get<int64_t>();
  if (json.contains("prompt")) options.prompt = json["prompt"].get<std::string>();
  if (json.contains("prompt_name")) options.prompt_name = json["prompt_name"].get<std::string>();
}

void check_embeddings(const std::string& folder, const Json& cases) {
  const SentenceTransformer model = SentenceTransformer::from_pretrained(folder);
  for (const Json& each : cases) {
    const auto method = each.at("method").get<std::string>();
    const Json& json = each.at("options");
    const std::string where = method + " " + dump_json(json);
    if (method == "similarity") {
      const auto a = each.at("inputs").at(0).get<std::vector<std::string>>();
      const auto b = each.at("inputs").at(1).get<std::vector<std::string>>();
      const auto function = parse_similarity_function(json.at("name").get<std::string>());
      expect_rows(similarity(function, model.encode(a), model.encode(b)), each.at("expected"), where);
      continue;
    }
    SentenceEncodeOptions options;
    set_common(options, json);
    if (json.contains("truncate_dim")) options.truncate_dim = json["truncate_dim"].get<int64_t>();
    options.normalize_embeddings = json.value("normalize_embeddings", false);
    const auto texts = each.at("inputs").get<std::vector<std::string>>();
    const Tensor vectors = method == "encode_query"      ? model.encode_query(texts, options)
                           : method == "encode_document" ? model.encode_document(texts, options)
                                                         : model.encode(texts, options);
    expect_rows(vectors, each.at("expected"), where);
  }
}

void check_ranking(const CrossEncoder& model, const Json& each) {
  const auto documents = each.at("inputs").at(1).get<std::vector<std::string>>();
  std::optional<size_t> top_k;
  if (const Json value = each.at("options").value("top_k", Json()); !value.is_null()) top_k = value.get<size_t>();
  const auto ranking = model.rank(each.at("inputs").at(0).get<std::string>(), documents, top_k);
  ASSERT_EQ(ranking.size(), each.at("expected").size());
  for (size_t i = 0; i < ranking.size(); ++i) {
    EXPECT_EQ(ranking[i].corpus_id, each.at("expected").at(i).at("corpus_id").get<size_t>());
    EXPECT_NEAR(ranking[i].score, each.at("expected").at(i).at("score").get<double>(), 1e-5);
  }
}

void check_scores(const std::string& folder, const Json& cases) {
  const CrossEncoder model = CrossEncoder::from_pretrained(folder);
  for (const Json& each : cases) {
    if (each.at("method").get<std::string>() == "rank") {
      check_ranking(model, each);
      continue;
    }
    CrossEncodeOptions options;
    set_common(options, each.at("options"));
    options.apply_softmax = each.at("options").value("apply_softmax", false);
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const Json& pair : each.at("inputs"))
      pairs.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
    expect_rows(model.predict(pairs, options), each.at("expected"), "predict " + dump_json(each.at("options")));
  }
}

class SentenceGolden : public testing::TestWithParam<std::string> {};

TEST_P(SentenceGolden, IsWhatSentenceTransformersComputes) {
  const std::string folder = kGoldens + "/" + GetParam();
  const Json golden = read_json(folder + "/sentences.json");
  ASSERT_FALSE(golden.at("cases").empty());
  const bool scores = golden.at("class").get<std::string>() == "CrossEncoder";
  (scores ? check_scores : check_embeddings)(folder, golden.at("cases"));
}

std::vector<std::string> golden_folders() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kGoldens)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Folders, SentenceGolden, testing::ValuesIn(golden_folders()));

std::string message_of(const std::function<void()>& action, ErrorKind kind) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(SentenceTransformer, RefusesWhatItDoesNotKnow) {
  const fs::path folder = fs::path(testing::TempDir()) / "unknown_module";
  fs::remove_all(folder);
  fs::copy(kGoldens + "/legacy", folder, fs::copy_options::recursive);
  const auto load = [&] { SentenceTransformer::from_pretrained(folder.string()); };
  const std::string modules = read_file((folder / "modules.json").string());
  const auto with_modules = [&](const std::string& from, const std::string& to) {
    std::string changed = modules;
    changed.replace(changed.find(from), from.size(), to);
    write_file_atomically((folder / "modules.json").string(), changed);
  };
  with_modules("sentence_transformers.models.Pooling", "sentence_transformers.models.LSTM");
  EXPECT_NE(message_of(load, ErrorKind::kUnsupported).find("models.LSTM"), std::string::npos);
  with_modules("sentence_transformers.models.Pooling", "custom.Pooling");
  EXPECT_NE(message_of(load, ErrorKind::kUnsupported).find("custom.Pooling"), std::string::npos);
  with_modules("\"1_Pooling\"", "\"../1_Pooling\"");
  EXPECT_NE(message_of(load, ErrorKind::kInvalidFile).find("leaves the folder"), std::string::npos);
  write_file_atomically((folder / "modules.json").string(), modules);
  write_file_atomically((folder / "0_Transformer/sentence_bert_config.json").string(), R"({"query_length": 8})");
  EXPECT_NE(message_of(load, ErrorKind::kUnsupported).find("query_length"), std::string::npos);
  fs::remove_all(folder);
}

TEST(SentenceTransformer, NamesThePromptsThereAre) {
  const SentenceTransformer model = SentenceTransformer::from_pretrained(kGoldens + "/legacy");
  const auto encode = [&] { model.encode({"text"}, {.prompt_name = "nonsense"}); };
  EXPECT_NE(message_of(encode, ErrorKind::kInvalidArgument).find("passage"), std::string::npos);
  EXPECT_EQ(model.encode(std::vector<std::string>{}).size(0), 0);
}

TEST(SentencePooling, RefusesUnknownKeysAndModes) {
  const auto make = [](const char* text) { return [text] { make_sentence_pooling(parse_json(text, "config.json")); }; };
  EXPECT_NE(message_of(make(R"({"pooling_mode": "median"})"), ErrorKind::kUnsupported).find("median"),
            std::string::npos);
  EXPECT_NE(message_of(make(R"({"weight": 2})"), ErrorKind::kUnsupported).find("weight"), std::string::npos);
  message_of(make(R"({"pooling_mode": 3})"), ErrorKind::kInvalidFile);
}

TEST(Similarity, OfRowsInPairs) {
  const Tensor a = Tensor::from(std::vector<float>{1, 2, 0, 0}, {2, 2}),
               b = Tensor::from(std::vector<float>{3, -1, 1, 1}, {2, 2});
  EXPECT_EQ(pairwise_similarity(SimilarityFunction::kDot, a, b).to_vector<float>(), (std::vector<float>{1, 0}));
  EXPECT_EQ(pairwise_similarity(SimilarityFunction::kManhattan, a, b).to_vector<float>(), (std::vector<float>{-5, -2}));
  EXPECT_EQ(pairwise_similarity(SimilarityFunction::kCosine, a, b).to_vector<float>()[1], 0);
  message_of([&] { similarity(SimilarityFunction::kDot, a, Tensor::zeros({1, 3})); }, ErrorKind::kInvalidArgument);
}

}  // namespace
}  // namespace imago
