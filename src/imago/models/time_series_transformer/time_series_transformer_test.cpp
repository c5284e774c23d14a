#include <gtest/gtest.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/checkpoint.h"
#include "imago/io/safetensors.h"
#include "imago/models/time_series_transformer/time_series_transformer.h"
#include "imago/nn/model.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

const std::string kFolder = IMAGO_SOURCE_DIR "/src/imago/models/time_series_transformer/golden/normal";

// The parameters are the checkpoint's as they are: a bare strict load, for the layer of models has no other.
time_series_transformer::TimeSeriesTransformerForPrediction load() {
  time_series_transformer::TimeSeriesTransformerConfig config;
  read_config(read_json(kFolder + "/config.json"), config);
  time_series_transformer::TimeSeriesTransformerForPrediction model(config);
  const Checkpoint checkpoint = Checkpoint::open(kFolder);
  for_each_parameter(model, [&](const std::string& path, Tensor& tensor) { tensor = checkpoint.tensor(path); });
  return model;
}

TimeSeriesInputs recorded_inputs(const SafetensorsFile& golden) {
  TimeSeriesInputs inputs;
  inputs.past_values = golden.tensor("inputs.past_values");
  inputs.past_time_features = golden.tensor("inputs.past_time_features");
  inputs.past_observed_mask = golden.tensor("inputs.past_observed_mask");
  inputs.future_time_features = golden.tensor("inputs.future_time_features");
  return inputs;
}

// With the same normal numbers the futures are the reference's.
TEST(TimeSeriesTransformer, DrawsTheReferencesFutures) {
  const NoGrad no_grad;
  const auto model = load();
  const SafetensorsFile golden = SafetensorsFile::open(kFolder + "/golden.safetensors");
  const Tensor draws = golden.tensor("sampling.draws"), wanted = golden.tensor("sampling.sequences");
  int64_t step = 0;
  const Tensor futures =
      model.sample(recorded_inputs(golden), wanted.size(1),
                   [&](std::string_view family, const Tensors& params, const Tensor& loc, const Tensor& scale) {
                     EXPECT_EQ(family, "normal");
                     return loc + scale * (params[0] + params[1] * select(draws, 0, step++));
                   });
  ASSERT_TRUE(futures.shape() == wanted.shape()) << futures.describe();
  EXPECT_EQ(step, draws.size(0));
  const auto ours = futures.to_vector<double>(), reference = wanted.to_vector<double>();
  for (size_t i = 0; i < ours.size(); ++i)
    EXPECT_NEAR(ours[i], reference[i], 1e-5 * std::max(1.0, std::abs(reference[i]))) << i;
}

TEST(TimeSeriesTransformer, NamesWhatAForecastLacks) {
  TimeSeriesInputs inputs = recorded_inputs(SafetensorsFile::open(kFolder + "/golden.safetensors"));
  inputs.future_time_features = {};
  EXPECT_THROW(load().sample(inputs, 2, {}), Error);
}

}  // namespace
}  // namespace imago
