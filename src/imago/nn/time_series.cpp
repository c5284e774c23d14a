#include "imago/nn/time_series.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago {

void SeriesHeadOutput::each_field(FieldVisitor& visitor) {
  ModelOutput::each_field(visitor);
  const auto visit = [&](const char* name, Tensor& value, Tensors& params) {
    params.empty() ? internal::visit_field(visitor, name, value) : internal::visit_field(visitor, name, params);
  };
  visit("prediction_outputs", prediction_outputs, prediction_params);
  visit("regression_outputs", regression_outputs, regression_params);
  internal::visit_fields(visitor, "prediction_logits, last_hidden_state, loc, scale", prediction_logits,
                         last_hidden_state, loc, scale);
}

}  // namespace imago

namespace imago::nn {
namespace {

// A series without an observation gets the scale of the whole batch.
SeriesScale mean_scale(const Tensor& values, const Tensor& observed) {
  const Tensor total = sum(abs(values * observed), {1}, true), count = sum(observed, {1}, true);
  const Tensor batch_scale = sum(total, {0}) / clamp(sum(count, {0}), 1.0);
  const Tensor scale = clamp(where(count > 0, total / clamp(count, 1.0), batch_scale), 1e-10);
  return {Tensor::zeros(scale.shape(), scale.dtype()), scale};
}

SeriesScale standard_scale(const Tensor& values, const Tensor& observed) {
  const Tensor count = clamp(sum(observed, {1}, true), 1.0);
  const Tensor loc = sum(values * observed, {1}, true) / count;
  const Tensor variance = sum(square((values - loc) * observed), {1}, true) / count;
  return {loc, sqrt(variance + 1e-5)};
}

}  // namespace

SeriesScale series_scale(const JsonText& scaling, const Tensor& values, const Tensor& observed) {
  if (scaling.text == "\"mean\"" || scaling.text == "true") return mean_scale(values, observed);
  if (scaling.text == "\"std\"") return standard_scale(values, observed);
  Shape shape = values.shape();
  shape[1] = 1;
  return {Tensor::zeros(shape, values.dtype()), Tensor::ones(shape, values.dtype())};
}

Tensor lagged(const Tensor& series, const std::vector<int64_t>& lags, int64_t length) {
  Tensors parts;
  for (const int64_t lag : lags) {
    const int64_t begin = series.size(1) - lag - length;
    if (begin < 0 || lag < 0) {
      throw Error(ErrorKind::kInvalidArgument, "forward",
                  fmt::format("{} steps {} before, of a series of {}", length, lag, series.size(1)),
                  "past_values has context_length + max(lags_sequence) steps");
    }
    parts.push_back(narrow(series, 1, begin, length));
  }
  return stack(parts, -1);
}

}  // namespace imago::nn
