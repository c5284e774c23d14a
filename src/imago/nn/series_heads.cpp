#include "imago/nn/series_heads.h"

#include "imago/nn/losses.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

Tensor mean_squared_error(const Tensor& x, const Tensor& y) { return mean(square(x - y)); }

}  // namespace

SeriesProjection::SeriesProjection(std::optional<std::string_view> family, int64_t in_features, int64_t out_features) {
  if (family) {
    distribution = DistributionHead(*family, in_features, out_features);
  } else {
    linear = Linear(in_features, out_features);
  }
}

void SeriesProjection::each_field(FieldVisitor& visitor) {
  has_distribution() ? distribution.each_field(visitor) : linear.each_field(visitor);
}

SeriesHeadOutput series_prediction(const SeriesProjection& projection, const Tensor& x_BCF, const SeriesScale& scale,
                                   const Tensor& future_values, const std::vector<int64_t>& channels) {
  const auto chosen = [&](const Tensor& x) {
    return !x || channels.empty() ? x : index_select(x, -1, Tensor::from(channels));
  };
  SeriesHeadOutput out;
  out.loc = chosen(scale.loc);
  out.scale = chosen(scale.scale);
  const Tensor future = chosen(future_values);
  if (!projection.has_distribution()) {
    out.prediction_outputs = chosen(transpose(projection.linear(x_BCF), 1, 2)) * out.scale + out.loc;
    if (future) out.loss = mean_squared_error(out.prediction_outputs, future);
    return out;
  }
  const DistributionHead& head = projection.distribution;
  for (const Tensor& each : head(x_BCF)) out.prediction_params.push_back(chosen(transpose(each, 1, 2)));
  if (future) out.loss = mean(head.negative_log_likelihood(out.prediction_params, out.loc, out.scale, future));
  return out;
}

SeriesHeadOutput series_regression(const SeriesProjection& projection, const Tensor& x_BF, const Tensor& target_values,
                                   const std::optional<std::vector<double>>& range) {
  SeriesHeadOutput out;
  if (projection.has_distribution()) {
    out.regression_params = projection.distribution(x_BF);
    const Tensor one = Tensor::ones({}, x_BF.dtype()), none = Tensor::zeros({}, x_BF.dtype());
    if (target_values)
      out.loss = mean(projection.distribution.negative_log_likelihood(out.regression_params, none, one, target_values));
    return out;
  }
  out.regression_outputs = projection.linear(x_BF);
  if (range) out.regression_outputs = sigmoid(out.regression_outputs) * (range->at(1) - range->at(0)) + range->at(0);
  if (target_values) out.loss = mean_squared_error(out.regression_outputs, target_values);
  return out;
}

Tensor sample_prediction(const SeriesProjection& projection, const SeriesHeadOutput& out, int64_t samples,
                         const DrawValues& draw) {
  Tensors futures;
  for (int64_t i = 0; i < samples; ++i) {
    futures.push_back(projection.has_distribution()
                          ? draw(projection.distribution.family->name, out.prediction_params, out.loc, out.scale)
                          : out.prediction_outputs);
  }
  return stack(futures, 1);
}

ScaleInjection::ScaleInjection(int64_t size)
    : inverse_trans_expansion(size + 2, 2 * size),
      inverse_trans_compression(2 * size, size),
      map_scale_expansion(2, 4),
      map_scale_compression(4, 2) {}

Tensor ScaleInjection::operator()(const Tensor& x_BCND, const Tensor& loc, const Tensor& scale) const {
  const Tensor statistics = transpose(concat({loc, scale}, 1), 1, 2);  // [B, C, 2]
  const Tensor mapped = map_scale_compression(map_scale_expansion(statistics));
  const Shape& s = x_BCND.shape();
  const Tensor of_each = expand(unsqueeze(mapped, 2), {s[0], s[1], s[2], 2});
  return inverse_trans_compression(inverse_trans_expansion(concat({x_BCND, of_each}, 3)));
}

Tensor aggregated_patches(const Tensor& x_BCND, const std::optional<std::string>& how) {
  if (!how) return flatten(transpose(x_BCND, 2, 3), 1, -1);
  const Tensor x_BCD = *how == "use_last"   ? select(x_BCND, 2, -1)
                       : *how == "max_pool" ? max(x_BCND, 2).values
                                            : mean(x_BCND, {2});
  return flatten(x_BCD, 1, -1);
}

}  // namespace imago::nn
