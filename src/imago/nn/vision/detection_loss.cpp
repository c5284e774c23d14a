#include "imago/nn/vision/detection_loss.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

Tensor side(const Tensor& boxes, int64_t index) { return select(boxes, -1, index); }

Tensor at_least_zero(const Tensor& x) { return relu(x); }

// Of boxes with corners, pair by pair: 1 where they are the same, below 0 where they are apart (Rezatofighi et al.
// 2019, "Generalized Intersection over Union").
Tensor generalized_iou(const Tensor& a, const Tensor& b) {
  const auto area = [](const Tensor& x) { return (side(x, 2) - side(x, 0)) * (side(x, 3) - side(x, 1)); };
  const auto width = [](const Tensor& right, const Tensor& left) { return at_least_zero(right - left); };
  const Tensor inner = width(minimum(side(a, 2), side(b, 2)), maximum(side(a, 0), side(b, 0))) *
                       width(minimum(side(a, 3), side(b, 3)), maximum(side(a, 1), side(b, 1)));
  const Tensor whole = area(a) + area(b) - inner;
  const Tensor hull = width(maximum(side(a, 2), side(b, 2)), minimum(side(a, 0), side(b, 0))) *
                      width(maximum(side(a, 3), side(b, 3)), minimum(side(a, 1), side(b, 1)));
  return inner / whole - (hull - whole) / hull;
}

// The prediction for each object of a picture: logits [Q, classes], boxes [Q, 4].
std::vector<int64_t> match(const Tensor& logits, const Tensor& boxes, const ImageObjects& objects,
                           const DetectionWeights& w) {
  const int64_t queries = logits.size(0), count = objects.class_labels.numel();
  const Tensor p_QK = index_select(softmax(logits, -1), 1, objects.class_labels);
  const Tensor q_Q14 = unsqueeze(boxes, 1), k_1K4 = unsqueeze(cast(objects.boxes, boxes.dtype()), 0);
  const Tensor costs = sum(abs(q_Q14 - k_1K4), {-1}) * w.bbox_cost - p_QK * w.class_cost -
                       generalized_iou(corners(q_Q14), corners(k_1K4)) * w.giou_cost;
  std::vector<double> values = costs.to_vector<double>();
  for (double& value : values) {
    if (!std::isfinite(value)) value = std::numeric_limits<float>::max();
  }
  return assign(values, queries, count);
}

void check_labels(const DetectionOutput& out, const std::vector<ImageObjects>& labels) {
  const int64_t batch = out.logits.size(0), queries = out.logits.size(1);
  if (static_cast<int64_t>(labels.size()) != batch) {
    throw Error(ErrorKind::kInvalidArgument, "loss",
                fmt::format("there are labels of {} pictures, and {} pictures", labels.size(), batch));
  }
  for (const ImageObjects& objects : labels) {
    const int64_t count = objects.class_labels ? objects.class_labels.numel() : 0;
    if (count > queries || !objects.boxes || !(objects.boxes.shape() == Shape{count, 4})) {
      throw Error(ErrorKind::kInvalidArgument, "loss",
                  fmt::format("labels are not of at most {} objects, with a box [4] each", queries));
    }
  }
}

}  // namespace

std::vector<int64_t> assign(const std::vector<double>& costs, int64_t rows, int64_t columns) {
  // Things are placed one after the other; each time along the shortest path of costs that are reduced by potentials.
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> of_thing(columns + 1, 0), of_row(rows + 1, 0);
  std::vector<int64_t> thing_at(rows + 1, 0);  // from 1 on; 0 is none
  for (int64_t thing = 1; thing <= columns; ++thing) {
    std::vector<double> distance(rows + 1, kInfinity);
    std::vector<int64_t> before(rows + 1, 0);
    std::vector<bool> done(rows + 1, false);
    int64_t row = 0;
    thing_at[0] = thing;
    do {
      done[row] = true;
      const int64_t here = thing_at[row];
      double least = kInfinity;
      int64_t next = 0;
      for (int64_t r = 1; r <= rows; ++r) {
        if (done[r]) continue;
        const double reduced = costs[(r - 1) * columns + here - 1] - of_thing[here] - of_row[r];
        if (reduced < distance[r]) distance[r] = reduced, before[r] = row;
        if (distance[r] < least) least = distance[r], next = r;
      }
      for (int64_t r = 0; r <= rows; ++r) {
        if (done[r]) {
          of_thing[thing_at[r]] += least, of_row[r] -= least;
        } else {
          distance[r] -= least;
        }
      }
      row = next;
    } while (thing_at[row] != 0);
    for (; row != 0; row = before[row]) thing_at[row] = thing_at[before[row]];
  }
  std::vector<int64_t> assigned(columns);
  for (int64_t r = 1; r <= rows; ++r) {
    if (thing_at[r] != 0) assigned[thing_at[r] - 1] = r - 1;
  }
  return assigned;
}

void add_detection_loss(DetectionOutput& out, const std::vector<ImageObjects>& labels, const DetectionWeights& w) {
  if (labels.empty()) return;
  check_labels(out, labels);
  const int64_t batch = out.logits.size(0), queries = out.logits.size(1), nothing = out.logits.size(2) - 1;
  std::vector<int64_t> classes(static_cast<size_t>(batch * queries), nothing), chosen;
  Tensors boxes;
  double missed = 0;
  const std::vector<int64_t> likeliest = argmax(out.logits, -1).to_vector<int64_t>();
  for (int64_t picture = 0; picture < batch; ++picture) {
    const ImageObjects& objects = labels[picture];
    const auto predictions =
        match(select(out.logits, 0, picture).detach(), select(out.pred_boxes, 0, picture).detach(), objects, w);
    const std::vector<int64_t> ids = objects.class_labels.to_vector<int64_t>();
    for (size_t i = 0; i < ids.size(); ++i) {
      chosen.push_back(picture * queries + predictions[i]);
      classes[chosen.back()] = ids[i];
    }
    boxes.push_back(cast(objects.boxes, out.pred_boxes.dtype()));
    const auto first = likeliest.begin() + picture * queries;
    missed += std::abs(static_cast<double>(queries - std::count(first, first + queries, nothing)) -
                       static_cast<double>(ids.size()));
  }
  std::vector<double> weights(static_cast<size_t>(nothing), 1.0);
  weights.push_back(w.eos_coefficient);
  const Tensor class_weights = cast(Tensor::from(weights), out.logits.dtype());
  const double count = std::max<double>(1, static_cast<double>(chosen.size()));
  const Tensor found = index_select(reshape(out.pred_boxes, {-1, 4}), 0, Tensor::from(chosen)),
               wanted = concat(boxes, 0);

  DetectionLosses& losses = out.loss_dict;
  const Tensor rows = reshape(out.logits, {batch * queries, -1}), targets = Tensor::from(classes);
  const Tensor row_weights = index_select(class_weights, 0, targets);
  const Tensor likelihoods = squeeze(gather(rows, 1, unsqueeze(targets, 1)), 1) - logsumexp(rows, {1});
  losses.loss_ce = sum(likelihoods * row_weights) / sum(row_weights) * -1.0;
  losses.loss_bbox = sum(abs(found - wanted)) / count;
  losses.loss_giou = sum(1.0 - generalized_iou(corners(found), corners(wanted))) / count;
  losses.cardinality_error = Tensor::scalar(missed / static_cast<double>(batch));
  out.loss = losses.loss_ce + losses.loss_bbox * w.bbox_loss_coefficient + losses.loss_giou * w.giou_loss_coefficient;
}

PredictionHead::PredictionHead(int64_t in, int64_t hidden, int64_t out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) layers.emplace_back(i == 0 ? in : hidden, i + 1 < count ? hidden : out);
}

Tensor PredictionHead::operator()(const Tensor& x) const {
  Tensor y = x;
  for (size_t i = 0; i < layers.size(); ++i) y = i + 1 < layers.size() ? relu(layers[i](y)) : layers[i](y);
  return y;
}

Tensor corners(const Tensor& boxes) {
  const Tensor center = narrow(boxes, -1, 0, 2), half = narrow(boxes, -1, 2, 2) * 0.5;
  return concat({center - half, center + half}, -1);
}

}  // namespace imago::nn
