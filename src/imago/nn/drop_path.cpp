#include "imago/nn/drop_path.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "imago/nn/dropout.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/tensor/grad_meta.h"

namespace imago::nn {

Tensor drop_path(const Tensor& x, double p) {
  TorchGenerator* const generator = training_generator();
  if (generator == nullptr || p == 0) return x;
  const double keep = 1 - p;
  Tensor kept;
  {
    const NoGrad no_grad;
    Shape shape = x.shape();
    for (int i = 1; i < shape.size(); ++i) shape[i] = 1;
    kept = generator->uniform(shape, 0, 1);
    auto* values = kept.data<float>();
    for (int64_t i = 0; i < kept.numel(); ++i) values[i] = std::floor(static_cast<float>(keep) + values[i]);
    kept = cast(kept, x.dtype());
  }
  return x / keep * kept;
}

std::vector<std::vector<double>> growing_rates(double last, const std::vector<int64_t>& depths) {
  const int64_t layers = std::accumulate(depths.begin(), depths.end(), int64_t{0});
  const auto steps = static_cast<double>(std::max<int64_t>(layers - 1, 1));
  std::vector<std::vector<double>> rates;
  int64_t layer = 0;
  for (const int64_t depth : depths) {
    std::vector<double>& stage = rates.emplace_back();
    for (int64_t i = 0; i < depth; ++i) stage.push_back(last * static_cast<double>(layer++) / steps);
  }
  return rates;
}

}  // namespace imago::nn
