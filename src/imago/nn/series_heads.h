// Heads on patches of a series. B batch, C channels, N patches, D hidden, F features, P steps of the future.
#pragma once

#include <optional>
#include <string>

#include "imago/nn/distributions.h"
#include "imago/nn/time_series.h"

namespace imago::nn {

// A layer, or one for each parameter of a distribution.
struct SeriesProjection : Module {
  Linear linear;
  DistributionHead distribution;
  void each_field(FieldVisitor& visitor);

  // Without a family it gives the values themselves.
  SeriesProjection(std::optional<std::string_view> family, int64_t in_features, int64_t out_features);
  bool has_distribution() const { return !linear.weight; }
};

// Each of P values of each channel: x [B, C, F] -> prediction_outputs [B, P, C] or the parameters of their
// distribution, with its loss where the future is known. `scale` was taken off the series. `channels` are those to
// predict; all where empty. Parameters are those before the family's `scaled`.
SeriesHeadOutput series_prediction(const SeriesProjection& projection, const Tensor& x_BCF, const SeriesScale& scale,
                                   const Tensor& future_values, const std::vector<int64_t>& channels = {});

// Numbers about the whole series, between the two of `range` where there are two: x [B, F].
SeriesHeadOutput series_regression(const SeriesProjection& projection, const Tensor& x_BF, const Tensor& target_values,
                                   const std::optional<std::vector<double>>& range);

// Futures, [B, samples, P, C]: drawn, or what is predicted, `samples` times. `out` is series_prediction's, without a
// loss.
Tensor sample_prediction(const SeriesProjection& projection, const SeriesHeadOutput& out, int64_t samples,
                         const DrawValues& draw);

// Brings what was taken off the series back to a head.
struct ScaleInjection : Module {
  Linear inverse_trans_expansion, inverse_trans_compression, map_scale_expansion, map_scale_compression;
  FIELDS(inverse_trans_expansion, inverse_trans_compression, map_scale_expansion, map_scale_compression)
  explicit ScaleInjection(int64_t size);
  Tensor operator()(const Tensor& x_BCND, const Tensor& loc, const Tensor& scale) const;
};

// [B, C, N, D] -> [B, F], by "use_last", "max_pool" or "avg_pool" over patches; all of them where nothing is said.
Tensor aggregated_patches(const Tensor& x_BCND, const std::optional<std::string>& how);

}  // namespace imago::nn
