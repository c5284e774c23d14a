// Forecasts the series of a table with a model of series (patchtst, informer, ...).
//
//   forecast MODEL TABLE.csv
#include <imago/pipelines/pipeline.h>

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s MODEL TABLE.csv\n", argv[0]);
    return 2;
  }
  try {
    const auto pipe = imago::pipeline("time-series-forecasting", argv[1]);
    const auto answer = pipe(argv[2], {{"num_samples", 100}, {"seed", 1}});
    const auto forecasts = answer["forecasts"];
    for (size_t i = 0; i < forecasts.size(); ++i) {
      std::printf("%s:", forecasts[i]["column"].text().c_str());
      for (size_t step = 0; step < forecasts[i]["mean"].size(); ++step) {
        std::printf(" %.3g (%.3g to %.3g)", forecasts[i]["mean"][step].number(), forecasts[i]["0.1"][step].number(),
                    forecasts[i]["0.9"][step].number());
      }
      std::printf("\n");
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
