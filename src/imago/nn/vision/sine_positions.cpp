#include "imago/nn/vision/sine_positions.h"

#include <cmath>
#include <numbers>

#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/cumulative/cumulative.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {

Tensor sine_positions(const Tensor& visible_BHW, int64_t features, DType dtype) {
  const Tensor counts = cast(visible_BHW, dtype);
  std::vector<double> periods;  // each twice: for a sine and a cosine
  for (int64_t i = 0; i < features / 2; ++i)
    periods.push_back(std::pow(10000.0, static_cast<double>(2 * i) / static_cast<double>(features)));
  const Tensor divisors = cast(Tensor::from(periods), dtype);
  const auto along = [&](int64_t dim) {
    const Tensor place = cumsum(counts, dim);
    const Tensor last = narrow(place, dim, place.size(dim) - 1, 1);
    const Tensor angle = unsqueeze(place / (last + 1e-6) * (2 * std::numbers::pi), -1) / divisors;
    return flatten(concat({unsqueeze(sin(angle), -1), unsqueeze(cos(angle), -1)}, -1), 3, 4);
  };
  return flatten(concat({along(1), along(2)}, -1), 1, 2);
}

}  // namespace imago::nn
