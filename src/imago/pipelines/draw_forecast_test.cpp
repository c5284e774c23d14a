#include "imago/pipelines/draw_forecast.h"

#include <gtest/gtest.h>

#include <cmath>

#include "imago/base/error.h"

namespace imago {
namespace {

SeriesTable rising() {
  SeriesTable table{"table.csv", {"sold"}, {{}}, {}};
  for (int step = 0; step < 10; ++step) table.columns[0].push_back(step == 3 ? std::nan("") : step);
  return table;
}

Json answer(bool held_out) {
  Json forecast = {
      {"column", "sold"}, {"mean", {8.0, 9.0}}, {"0.1", {6.0, 6.0}}, {"0.5", {8.0, 9.0}}, {"0.9", {10.0, 14.0}}};
  if (held_out) forecast["actual"] = {8.0, nullptr};
  return {{"timestamps", Json()}, {"forecasts", Json::array({forecast})}};
}

// How many pixels are of a colour in which blue is that much stronger than red.
int64_t bluish(const Image& image, int least) {
  int64_t count = 0;
  for (size_t i = 0; i < image.pixels.size(); i += 3) count += image.pixels[i + 2] - image.pixels[i] > least ? 1 : 0;
  return count;
}

TEST(DrawForecast, HasABandBehindTheSeries) {
  const Image drawn = draw_forecast(rising(), answer(false));
  EXPECT_EQ(drawn.width, 720);
  EXPECT_EQ(drawn.height, 260);
  Json narrow = answer(false);
  narrow["forecasts"][0]["0.9"] = narrow["forecasts"][0]["0.1"];
  EXPECT_GT(bluish(drawn, 20), bluish(draw_forecast(rising(), narrow), 20) + 500);
}

TEST(DrawForecast, HasWhatCameInAnotherColour) {
  const auto orange = [](const Image& image) {
    int64_t count = 0;
    for (size_t i = 0; i < image.pixels.size(); i += 3) count += image.pixels[i] - image.pixels[i + 2] > 60 ? 1 : 0;
    return count;
  };
  EXPECT_EQ(orange(draw_forecast(rising(), answer(false))), 0);
  EXPECT_GT(orange(draw_forecast(rising(), answer(true))), 0);
}

TEST(DrawForecast, RefusesWhatIsNotOfTheTable) {
  SeriesTable other = rising();
  other.names = {"bought"};
  EXPECT_THROW(draw_forecast(other, answer(false)), Error);
  SeriesTable empty = rising();
  empty.columns[0].clear();
  EXPECT_THROW(draw_forecast(empty, answer(false)), Error);
  Json many = answer(false);
  for (int i = 0; i < 64; ++i) many["forecasts"].push_back(many["forecasts"][0]);
  EXPECT_THROW(draw_forecast(rising(), many), Error);
}

}  // namespace
}  // namespace imago
