#include "imago/nn/vision/detection_loss.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/vision/mask_losses.h"
#include "imago/nn/vision/matching.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/interpolate/interpolate.h"
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

// Of logits [Q, classes] and boxes [Q, 4].
Matches match_boxes(const Tensor& logits, const Tensor& boxes, const ImageObjects& objects, const DetectionWeights& w) {
  const Tensor p_QK = index_select(softmax(logits, -1), 1, objects.class_labels);
  const Tensor q_Q14 = unsqueeze(boxes, 1), k_1K4 = unsqueeze(cast(objects.boxes, boxes.dtype()), 0);
  return match(sum(abs(q_Q14 - k_1K4), {-1}) * w.bbox_cost - p_QK * w.class_cost -
               generalized_iou(corners(q_Q14), corners(k_1K4)) * w.giou_cost);
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
    if (out.pred_masks && (!objects.masks || objects.masks.dim() != 3 || objects.masks.size(0) != count))
      throw Error(ErrorKind::kInvalidArgument, "loss", "labels have not a mask [height, width] for each object");
  }
}

std::vector<Tensor> each_picture(const std::vector<ImageObjects>& labels, Tensor ImageObjects::*field) {
  std::vector<Tensor> all;
  for (const ImageObjects& objects : labels) all.push_back(objects.*field);
  return all;
}

// Of how many objects the predictions see too many or too few, in the mean.
Tensor cardinality_error(const Tensor& logits_BQC, const std::vector<ImageObjects>& labels) {
  const int64_t queries = logits_BQC.size(1), nothing = logits_BQC.size(2) - 1;
  const std::vector<int64_t> likeliest = argmax(logits_BQC, -1).to_vector<int64_t>();
  double missed = 0;
  for (size_t picture = 0; picture < labels.size(); ++picture) {
    const auto first = likeliest.begin() + static_cast<int64_t>(picture) * queries;
    missed += std::abs(static_cast<double>(queries - std::count(first, first + queries, nothing)) -
                       static_cast<double>(labels[picture].class_labels.numel()));
  }
  return Tensor::scalar(missed / static_cast<double>(labels.size()));
}

// Of one decoder layer's predictions, and the last one's masks where they are defined.
DetectionLosses losses_of(const DetectionPredictions& predicted, const Tensor& masks,
                          const std::vector<ImageObjects>& labels, const DetectionWeights& w) {
  std::vector<Matches> matches;
  for (size_t picture = 0; picture < labels.size(); ++picture) {
    const auto row = static_cast<int64_t>(picture);
    matches.push_back(match_boxes(select(predicted.logits, 0, row).detach(),
                                  select(predicted.pred_boxes, 0, row).detach(), labels[picture], w));
  }
  const std::vector<Tensor> classes = each_picture(labels, &ImageObjects::class_labels);
  const double count = object_count(classes);
  const Tensor found = matched_predictions(predicted.pred_boxes, matches);
  const Tensor wanted = cast(matched_objects(each_picture(labels, &ImageObjects::boxes), matches), found.dtype());
  DetectionLosses losses;
  losses.loss_ce = matched_class_loss(predicted.logits, classes, matches, w.eos_coefficient);
  losses.loss_bbox = sum(abs(found - wanted)) / count;
  losses.loss_giou = sum(1.0 - generalized_iou(corners(found), corners(wanted))) / count;
  losses.cardinality_error = cardinality_error(predicted.logits, labels);
  if (!masks) return losses;
  const Tensor target_MHW = cast(matched_objects(each_picture(labels, &ImageObjects::masks), matches), masks.dtype());
  const Tensor resized = interpolate(unsqueeze(matched_predictions(masks, matches), 1),
                                     {.size = {target_MHW.size(1), target_MHW.size(2)}, .mode = "bilinear"});
  const Tensor logits_MP = flatten(resized, 1, 3), target_MP = flatten(target_MHW, 1, 2);
  losses.loss_mask = focal_loss(logits_MP, target_MP) / count;
  losses.loss_dice = dice_loss(logits_MP, target_MP) / count;
  return losses;
}

Tensor weighted(const DetectionLosses& losses, const DetectionWeights& w) {
  Tensor loss =
      losses.loss_ce + losses.loss_bbox * w.bbox_loss_coefficient + losses.loss_giou * w.giou_loss_coefficient;
  if (losses.loss_mask)
    loss = loss + losses.loss_mask * w.mask_loss_coefficient + losses.loss_dice * w.dice_loss_coefficient;
  for (const DetectionLosses& layer : losses.auxiliary) loss = loss + weighted(layer, w);
  return loss;
}

}  // namespace

void add_detection_loss(DetectionOutput& out, const std::vector<ImageObjects>& labels, const DetectionWeights& w) {
  if (labels.empty()) return;
  check_labels(out, labels);
  out.loss_dict = losses_of({out.logits, out.pred_boxes}, out.pred_masks, labels, w);
  for (const DetectionPredictions& layer : out.auxiliary_outputs)
    out.loss_dict.auxiliary.push_back(losses_of(layer, {}, labels, w));
  out.loss = weighted(out.loss_dict, w);
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
