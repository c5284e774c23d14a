#include "imago/pipelines/segments.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "imago/ops/cast/cast.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/unary/unary.h"

namespace imago {
namespace {

Tensor resized(const Tensor& x, int64_t height, int64_t width) {
  return interpolate(x, {.size = {height, width}, .mode = "bilinear"});
}

// Mask logits at the size at which they are judged, float32.
Tensor judged(const QueriedMasks& masks) {
  const Tensor logits = cast(masks.mask_logits, DType::f32);
  return masks.judged_side ? resized(logits, *masks.judged_side, *masks.judged_side) : logits;
}

Tensor probabilities(const QueriedMasks& masks) { return softmax(cast(masks.class_logits, DType::f32), -1); }

double to_six_decimals(float value) {
  return std::strtod(fmt::format("{:.6f}", static_cast<double>(value)).c_str(), nullptr);
}

// The k largest in the order in which torch.topk(sorted=False) gives them, which follows from these calls.
std::vector<size_t> unordered_top(const std::vector<float>& values, size_t k) {
  std::vector<std::pair<float, size_t>> queue;
  for (size_t i = 0; i < values.size(); ++i) queue.emplace_back(values[i], i);
  const auto larger = [](const auto& a, const auto& b) {
    return (std::isnan(a.first) && !std::isnan(b.first)) || a.first > b.first;
  };
  const auto end = queue.begin() + static_cast<std::ptrdiff_t>(k);
  if (k * 64 <= values.size()) {
    std::partial_sort(queue.begin(), end, queue.end(), larger);
  } else {
    std::nth_element(queue.begin(), end - 1, queue.end(), larger);
  }
  std::vector<size_t> indices;
  for (size_t i = 0; i < k; ++i) indices.push_back(queue[i].second);
  return indices;
}

}  // namespace

std::vector<Segment> panoptic_segments(const QueriedMasks& masks, int64_t height, int64_t width,
                                       const SegmentOptions& options) {
  const Extreme best = max(probabilities(masks), -1);
  const std::vector<float> scores = best.values.to_vector<float>();
  const std::vector<int64_t> labels = best.indices.to_vector<int64_t>();
  const Tensor logits = judged(masks);
  const auto pixels = static_cast<size_t>(height * width);
  std::vector<size_t> kept;
  std::vector<std::vector<float>> shares;  // probabilities of pixels, times the score
  for (size_t q = 0; q < scores.size(); ++q) {
    if (labels[q] == masks.class_logits.size(-1) - 1 || !(scores[q] > static_cast<float>(options.threshold))) continue;
    kept.push_back(q);
    const Tensor one = sigmoid(narrow(logits, 1, static_cast<int64_t>(q), 1));
    shares.push_back(resized(one, height, width).to_vector<float>());
    for (float& share : shares.back()) share *= scores[q];
  }
  std::vector<size_t> owner(pixels, 0);
  for (size_t k = 1; k < kept.size(); ++k) {
    for (size_t i = 0; i < pixels; ++i) {
      if (shares[k][i] > shares[owner[i]][i]) owner[i] = k;
    }
  }
  std::vector<Segment> segments;
  for (size_t k = 0; k < kept.size(); ++k) {
    BinaryMask mask{height, width, {}};
    for (const size_t each : owner) mask.inside.push_back(each == k);
    const auto threshold = static_cast<float>(options.mask_threshold);
    const auto whole =
        std::count_if(shares[k].begin(), shares[k].end(), [&](float share) { return share >= threshold; });
    const int64_t left = area(mask);
    if (left == 0 || whole == 0) continue;
    // A small rest of it is none.
    const float ratio = static_cast<float>(left) / static_cast<float>(whole);
    if (!(static_cast<double>(ratio) > options.overlap_mask_area_threshold)) continue;
    segments.push_back({to_six_decimals(scores[kept[k]]), labels[kept[k]], std::move(mask)});
  }
  return segments;
}

std::vector<Segment> instance_segments(const QueriedMasks& masks, int64_t height, int64_t width,
                                       const SegmentOptions& options) {
  if (!masks.judged_side) return panoptic_segments(masks, height, width, options);
  const Tensor all = probabilities(masks);
  const int64_t labels = all.size(-1) - 1;
  const std::vector<float> scores = narrow(all, -1, 0, labels).to_vector<float>();
  const Tensor logits = judged(masks);
  std::vector<Segment> segments;
  for (const size_t pair : unordered_top(scores, static_cast<size_t>(all.size(1)))) {
    const auto query = static_cast<int64_t>(pair) / labels;
    const Tensor one = narrow(logits, 1, query, 1);
    std::vector<float> inside;
    double sum = 0, count = 0;
    const std::vector<float> values = one.to_vector<float>(), chances = sigmoid(one).to_vector<float>();
    for (size_t i = 0; i < values.size(); ++i) {
      inside.push_back(values[i] > 0 ? 1.0F : 0.0F);
      if (values[i] > 0) sum += chances[i], count += 1;
    }
    const float score = scores[pair] * (static_cast<float>(sum) / (static_cast<float>(count) + 1e-6F));
    const Tensor mask = interpolate(Tensor::from(inside, one.shape()), {.size = {height, width}, .mode = "nearest"});
    BinaryMask at_size{height, width, {}};
    for (const float value : mask.to_vector<float>()) at_size.inside.push_back(value == 1.0F);
    if (area(at_size) == 0 || static_cast<double>(score) < options.threshold) continue;
    for (Segment& earlier : segments) {
      for (size_t i = 0; i < at_size.inside.size(); ++i) earlier.mask.inside[i] &= at_size.inside[i] ^ 1;
    }
    segments.push_back({to_six_decimals(score), static_cast<int64_t>(pair) % labels, std::move(at_size)});
  }
  return segments;
}

std::vector<int64_t> semantic_labels(const QueriedMasks& masks, int64_t height, int64_t width) {
  const Tensor all = probabilities(masks), chances = sigmoid(judged(masks));
  const Tensor labels_LQ = transpose(select(narrow(all, -1, 0, all.size(-1) - 1), 0, 0), 0, 1);
  const Tensor scores = matmul(labels_LQ, flatten(select(chances, 0, 0), 1, 2));
  const Tensor picture = reshape(scores, {1, scores.size(0), chances.size(2), chances.size(3)});
  return argmax(resized(picture, height, width), 1).to_vector<int64_t>();
}

}  // namespace imago
