// Against the reference's models: tests/golden/series is written by tools/golden/series_pipelines.py.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/pipelines/calendar.h"
#include "imago/pipelines/pipeline.h"
#include "imago/pipelines/series_table.h"

namespace imago {
namespace {

const std::string kGoldens = IMAGO_SOURCE_DIR "/tests/golden/series/";

PipelineOptions options_from(const Json& json) {
  PipelineOptions options;
  for (const auto& [name, value] : json.items()) {
    if (value.is_boolean()) {
      options.emplace(name, value.get<bool>());
    } else if (value.is_array()) {
      options.emplace(name, value.get<std::vector<std::string>>());
    } else {
      options.emplace(name, value.get<int64_t>());
    }
  }
  return options;
}

void expect_near(const Json& actual, const Json& expected, const std::string& where) {
  ASSERT_EQ(actual.size(), expected.size()) << where;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double wanted = expected[i].get<double>();
    EXPECT_NEAR(actual[i].get<double>(), wanted, 2e-5 * std::max(1.0, std::abs(wanted))) << where << " " << i;
  }
}

class ForecastGolden : public testing::TestWithParam<const char*> {};

// The reference's random numbers too: its futures, from its seed.
TEST_P(ForecastGolden, ForecastsAsTheReference) {
  const std::string folder = kGoldens + GetParam();
  const Json golden = read_json(folder + "/pipeline.json");
  const Pipeline pipe = pipeline("time-series-forecasting", folder);
  for (const Json& test : golden.at("cases")) {
    const PipelineOutput output = pipe(kGoldens + "table.csv", options_from(test.at("options")));
    const Json& expected = test.at("expected");
    EXPECT_EQ(dump_json(output.value().at("timestamps")), dump_json(expected.at("timestamps")));
    const Json& forecasts = output.value().at("forecasts");
    ASSERT_EQ(forecasts.size(), expected.at("forecasts").size());
    for (size_t i = 0; i < forecasts.size(); ++i) {
      const Json& wanted = expected.at("forecasts")[i];
      EXPECT_EQ(forecasts[i].at("column").get<std::string>(), wanted.at("column").get<std::string>());
      ASSERT_EQ(forecasts[i].size(), wanted.size());
      for (const auto& [key, value] : wanted.items()) {
        if (value.is_array()) expect_near(forecasts[i].at(key), value, key);
        if (value.is_number()) {
          EXPECT_NEAR(forecasts[i].at(key).get<double>(), value.get<double>(), 1e-4);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ForecastGolden,
                         testing::Values("time_series_transformer", "time_series_transformer_counts", "informer",
                                         "autoformer", "patchtst", "patchtst_student_t", "patchtsmixer"),
                         [](const auto& test) { return std::string(test.param); });

std::string message(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string written(const std::string& text) {
  const std::string path = testing::TempDir() + "series_table.csv";
  std::ofstream(path) << text;
  return path;
}

TEST(Forecasting, SaysWhatIsWrongWithTheTable) {
  const Pipeline pipe = pipeline("time-series-forecasting", kGoldens + "time_series_transformer");
  const auto run = [&](const std::string& path, const PipelineOptions& options = {}) {
    return message([&] { pipe(path, options); });
  };
  EXPECT_NE(run(written("date,a\n2020-01-01 00:00:00,1\n2020-01-01 01:00:00,x\n")).find("\"x\", which is no number"),
            std::string::npos);
  EXPECT_NE(run(written("a\n1\n2\n")).find("no times"), std::string::npos);
  EXPECT_NE(run(written("date,a\n2020-01-01,1\n2020-01-02,2\n")).find("reads 5 features of the time"),
            std::string::npos);
  EXPECT_NE(run(written("date,a\n2020-01-01 00:00,1\n2020-01-01 01:00,2\n2020-01-01 03:00,2\n")).find("another step"),
            std::string::npos);
  EXPECT_NE(run(kGoldens + "table.csv", {{"columns", std::vector<std::string>{"rain"}}}).find("no column \"rain\""),
            std::string::npos);
  EXPECT_NE(run(kGoldens + "table.csv", {{"top_k", 3}}).find("top_k"), std::string::npos);
  EXPECT_NE(message([] {
              pipeline("time-series-forecasting", kGoldens + "patchtst")(written("a,b\n1,2\n"));
            }).find("reads 3 series together"),
            std::string::npos);
}

TEST(Calendar, ReadsAndCountsTimes) {
  EXPECT_EQ(format_time(*parse_time("2016-02-28")), "2016-02-28 00:00:00");
  EXPECT_EQ(*parse_time("1970-01-02T00:00:01"), 86401);
  for (const char* none : {"", "12", "2016-02-30", "2016-1", "2016-01-01 25:00", "2016-01-01 1", "2016-01-01x", "1.5"})
    EXPECT_FALSE(parse_time(none)) << none;
  const TimeStep month = step_of({*parse_time("2020-01-31"), *parse_time("2020-02-29"), *parse_time("2020-03-31")}, "");
  EXPECT_EQ(format_time(month.after(*parse_time("2020-01-31"), 13)), "2021-02-28 00:00:00");
  EXPECT_EQ(month.features(*parse_time("2020-12-31")), std::vector<double>{0.5});
  EXPECT_EQ(format_time(TimeStep{.seconds = 3600}.after(*parse_time("1969-12-31 23:00"), 2)), "1970-01-01 01:00:00");
}

}  // namespace
}  // namespace imago
