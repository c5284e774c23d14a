#include "imago/train/text_metrics.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

TEST(TextMetrics, AreThoseOfTheUsualPackages) {
  const Json golden = read_json(IMAGO_SOURCE_DIR "/src/imago/train/testdata/text_metrics.json");
  for (const Json& each : golden.at("cases")) {
    const auto predictions = each.at("predictions").get<std::vector<std::string>>();
    const auto references = each.at("references").get<std::vector<std::string>>();
    SCOPED_TRACE(predictions[0]);
    EXPECT_NEAR(bleu(predictions, references), each.at("bleu").get<double>(), 1e-9);
    EXPECT_NEAR(word_error_rate(predictions, references), each.at("wer").get<double>(), 1e-12);
    const RougeScores scores = rouge(predictions, references);
    EXPECT_NEAR(scores.rouge1, each.at("rouge1").get<double>(), 1e-12);
    EXPECT_NEAR(scores.rouge2, each.at("rouge2").get<double>(), 1e-12);
    EXPECT_NEAR(scores.rougeL, each.at("rougeL").get<double>(), 1e-12);
  }
}

TEST(TextMetrics, WantAReferenceForEachPrediction) {
  EXPECT_DOUBLE_EQ(exact_match({"a", "b"}, {"a", "c"}), 0.5);
  EXPECT_THROW(exact_match({"a"}, {}), Error);
  EXPECT_THROW(bleu({}, {}), Error);
  EXPECT_THROW(word_error_rate({"a"}, {" "}), Error);
}

}  // namespace
}  // namespace imago
