// B batch, H height and W width of the grid, C channels.
#include "imago/nn/vision/shifted_windows.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/drop_path.h"
#include "imago/nn/dropout.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/repeat/repeat.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/roll/roll.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {
namespace {

constexpr double kEpsilon = 1e-5;  // of the norm between stages, which layer_norm_eps is not of

// Pixels of shifted windows that came from opposite sides of the picture hardly see each other.
Tensor region_scores(Extent whole, int64_t window, int64_t shift, int64_t batch, DType dtype) {
  const auto region = [&](int64_t at, int64_t length) { return (at >= length - window) + (at >= length - shift); };
  std::vector<float> regions;
  for (int64_t y = 0; y < whole.height; ++y) {
    for (int64_t x = 0; x < whole.width; ++x)
      regions.push_back(static_cast<float>(region(y, whole.height) * 3 + region(x, whole.width)));
  }
  const Tensor picture = Tensor::from(regions, {1, whole.height, whole.width, 1});
  const std::vector<float> in_windows = to_windows(picture, window).to_vector<float>();
  const int64_t area = window * window, windows = static_cast<int64_t>(in_windows.size()) / area;
  std::vector<float> scores;
  for (int64_t w = 0; w < windows; ++w) {
    const float* here = in_windows.data() + w * area;
    for (int64_t q = 0; q < area; ++q) {
      for (int64_t k = 0; k < area; ++k) scores.push_back(here[q] == here[k] ? 0.0F : -100.0F);
    }
  }
  return repeat(cast(Tensor::from(scores, {windows, 1, area, area}), dtype), {batch, 1, 1, 1});
}

}  // namespace

WindowPositionBias::WindowPositionBias(int64_t size, int64_t heads)
    : relative_position_bias_table(parameter({(2 * size - 1) * (2 * size - 1), heads})), window(size) {}

Tensor WindowPositionBias::operator()() const {
  const int64_t area = window * window;
  std::vector<int64_t> rows;
  for (int64_t q = 0; q < area; ++q) {
    for (int64_t k = 0; k < area; ++k) {
      const int64_t down = q / window - k / window + window - 1, right = q % window - k % window + window - 1;
      rows.push_back(down * (2 * window - 1) + right);
    }
  }
  const Tensor chosen = index_select(relative_position_bias_table, 0, Tensor::from(rows));
  return unsqueeze(permute(reshape(chosen, {area, area, -1}), {2, 0, 1}), 0);
}

WindowAttention::WindowAttention(const ShiftedWindowOptions& o)
    : relative_position_bias(o.window, o.heads), heads(o.heads) {
  for (Linear* linear : {&q_proj, &k_proj, &v_proj}) *linear = Linear(o.hidden_size, o.hidden_size, o.qkv_bias);
  o_proj = Linear(o.hidden_size, o.hidden_size);
}

Tensor WindowAttention::operator()(const Tensor& windows, const Tensor& regions, AttentionContext context) const {
  context.mask.bias = relative_position_bias();
  if (regions) context.mask.bias = context.mask.bias + regions;
  const KeysValues all{split_heads(k_proj(windows), heads), split_heads(v_proj(windows), heads)};
  return o_proj(merge_heads(attend(split_heads(q_proj(windows), heads), all, context)));
}

ShiftedWindowLayer::ShiftedWindowLayer(const ShiftedWindowOptions& o, bool shifted, double rate)
    : attention(o),
      layernorm_before(o.hidden_size, o.layer_norm_eps),
      layernorm_after(o.hidden_size, o.layer_norm_eps),
      mlp(o.hidden_size, o.inner_size, o.hidden_act),
      window(o.window),
      shift(shifted ? o.window / 2 : 0),
      dropped(o.dropout),
      path_rate(rate) {}

Tensor ShiftedWindowLayer::operator()(const Tensor& x_BHWC, Partition partition,
                                      const AttentionContext& context) const {
  const int64_t height = x_BHWC.size(1), width = x_BHWC.size(2), smaller = std::min(height, width);
  if (partition == Partition::kWhereItFits && smaller < window) {
    throw Error(
        ErrorKind::kInvalidArgument, "forward",
        fmt::format("a stage's grid of {} x {} patches is smaller than the window of {}", height, width, window),
        "take a larger picture, or a model with smaller windows");
  }
  const int64_t moved = partition == Partition::kWhereItFits && smaller == window ? 0 : shift;
  const Extent whole{whole_windows(height, window) * window, whole_windows(width, window) * window};
  Tensor x = pad(layernorm_before(x_BHWC), {0, 0, 0, whole.width - width, 0, whole.height - height});
  Tensor regions;
  if (moved > 0) {
    x = roll(x, {-moved, -moved}, {1, 2});
    regions = region_scores(whole, window, moved, x.size(0), x.dtype());
  }
  x = from_windows(dropout(attention(to_windows(x, window), regions, context), dropped), window, whole);
  if (moved > 0) x = roll(x, {moved, moved}, {1, 2});
  const Tensor h_BHWC = x_BHWC + drop_path(narrow(narrow(x, 1, 0, height), 2, 0, width), path_rate);
  return h_BHWC + dropout(mlp(layernorm_after(h_BHWC)), dropped);
}

PatchMerging::PatchMerging(int64_t size) : reduction(4 * size, 2 * size, false), norm(4 * size, kEpsilon) {}

Tensor PatchMerging::operator()(const Tensor& x_BHWC) const {
  const Tensor x = pad(x_BHWC, {0, 0, 0, x_BHWC.size(2) % 2, 0, x_BHWC.size(1) % 2});
  const auto every_second = [&](int64_t row, int64_t column) {
    return slice(slice(x, 1, row, kEnd, 2), 2, column, kEnd, 2);
  };
  return reduction(norm(concat({every_second(0, 0), every_second(1, 0), every_second(0, 1), every_second(1, 1)}, -1)));
}

}  // namespace imago::nn
