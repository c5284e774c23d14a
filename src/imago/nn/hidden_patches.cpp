#include "imago/nn/hidden_patches.h"

#include <algorithm>
#include <numeric>

#include "imago/base/error.h"
#include "imago/nn/random_source.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::nn {
namespace {

// What has the largest noise is hidden.
void hide_at_random(std::vector<float>& hidden, const Shape& s, const HiddenPatchOptions& options) {
  const int64_t channels = s[1], patches = s[2], drawn = options.all_channels ? 1 : channels;
  const auto kept = static_cast<int64_t>(static_cast<double>(patches) * (1 - options.ratio));
  const std::vector<double> noise = random_source().uniform({s[0], drawn, patches}, 0, 1).to_vector<double>();
  std::vector<int64_t> order(static_cast<size_t>(patches));
  for (int64_t row = 0; row < s[0] * channels; ++row) {
    const double* of_row = noise.data() + (options.all_channels ? row / channels : row) * patches;
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return of_row[a] < of_row[b]; });
    for (int64_t i = kept; i < patches; ++i)
      hidden[static_cast<size_t>(row * patches + order[static_cast<size_t>(i)])] = 1;
  }
}

// The batch is cut into as many parts as there are numbers; the first in order of size gets what is left over. Then
// rows are shuffled.
void hide_the_last(std::vector<float>& hidden, const Shape& s, const HiddenPatchOptions& options) {
  const int64_t batch = s[0], parts = static_cast<int64_t>(options.last.size());
  std::vector<int64_t> of_row;
  for (int64_t part = 0; part < parts; ++part) {
    const int64_t rows = batch / parts + (part == 0 ? batch % parts : 0);
    of_row.insert(of_row.end(), static_cast<size_t>(rows), options.last[static_cast<size_t>(part)]);
  }
  for (int64_t row = 0; row + 1 < batch; ++row) {
    const int64_t other = row + random_source().integers(1, batch - row)[0];
    std::swap(of_row[static_cast<size_t>(row)], of_row[static_cast<size_t>(other)]);
  }
  for (int64_t row = 0; row < batch * s[1]; ++row) {
    const auto end = hidden.begin() + (row + 1) * s[2];
    std::fill(end - of_row[static_cast<size_t>(row / s[1])], end, 1.0F);
  }
}

}  // namespace

void validate(const HiddenPatchOptions& o, int64_t patches) {
  const auto refuse = [](bool wrong, const char* what) {
    if (wrong) throw Error(ErrorKind::kInvalidFile, "config.json", what);
  };
  refuse(o.type != "random" && o.type != "forecast", "mask_type is neither random nor forecast");
  refuse(o.ratio < 0 || o.ratio >= 1, "random_mask_ratio is not from 0 to below 1");
  if (o.type != "forecast") return;
  refuse(o.last.empty(), "num_forecast_mask_patches is empty");
  for (const int64_t count : o.last)
    refuse(count <= 0 || count >= patches, "num_forecast_mask_patches is not from 1 to below the number of patches");
}

Tensor draw_hidden_patches(const Shape& s, const HiddenPatchOptions& options) {
  std::vector<float> hidden(static_cast<size_t>(s[0] * s[1] * s[2]));
  options.type == "random" ? hide_at_random(hidden, s, options) : hide_the_last(hidden, s, options);
  for (int64_t row = 0; row < s[0]; ++row) {
    for (const int64_t channel : options.shown_channels) {
      if (channel < 0 || channel >= s[1])
        throw Error(ErrorKind::kInvalidFile, "config.json",
                    "unmasked_channel_indices names a channel that is not there");
      std::fill_n(hidden.begin() + (row * s[1] + channel) * s[2], s[2], 0.0F);
    }
  }
  return reshape(Tensor::from(hidden), {s[0], s[1], s[2]});
}

Tensor hide_patches(const Tensor& x_BCNL, const Tensor& hidden_BCN, double value) {
  return where(ne(unsqueeze(hidden_BCN, -1), 0), Tensor::full({}, value, x_BCNL.dtype()), x_BCNL);
}

Tensor hidden_patch_loss(const Tensor& said_BCNL, const Tensor& patches_BCNL, const Tensor& hidden_BCN) {
  const Tensor squares = square(said_BCNL - patches_BCNL);
  if (!hidden_BCN) return mean(squares);
  const Tensor hidden = cast(hidden_BCN, squares.dtype());
  return sum(mean(squares, {-1}) * hidden) / (sum(hidden) + 1e-10);
}

}  // namespace imago::nn
