#include <gtest/gtest.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/io/checkpoint.h"
#include "imago/io/safetensors.h"
#include "imago/models/time_series_transformer/time_series_transformer.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

const std::string kFolder = IMAGO_SOURCE_DIR "/src/imago/models/time_series_transformer/golden/normal";

// As the golden's config.json says; the parameters are the checkpoint's as they are.
time_series_transformer::TimeSeriesTransformerForPrediction load() {
  time_series_transformer::TimeSeriesTransformerConfig config;
  config.prediction_length = 4;
  config.context_length = 6;
  config.lags_sequence = {1, 2, 5};
  config.num_time_features = 2;
  config.d_model = 16;
  config.encoder_layers = config.decoder_layers = 1;
  config.decoder_attention_heads = 4;
  config.encoder_ffn_dim = 20;
  config.decoder_ffn_dim = 24;
  config.distribution_output = "normal";
  config.scaling.text = "\"std\"";
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
