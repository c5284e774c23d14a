// The loss of a set of predicted objects (Carion et al. 2020, "End-to-End Object Detection with Transformers").
#pragma once

#include <utility>
#include <vector>

#include "imago/nn/detection_model.h"
#include "imago/nn/layers.h"

namespace imago::nn {

// The weights that config.json gives to the parts of the costs, by which predictions and objects are matched, and of
// the loss.
struct DetectionWeights {
  double class_cost = 1, bbox_cost = 5, giou_cost = 2;
  double bbox_loss_coefficient = 5, giou_loss_coefficient = 2, eos_coefficient = 0.1;
  FIELDS(class_cost, bbox_cost, giou_cost, bbox_loss_coefficient, giou_loss_coefficient, eos_coefficient)
};

// Fills loss and loss_dict from logits and pred_boxes; nothing where there are no labels. Throws Error
// kInvalidArgument for labels that are not of as many pictures, or of other shapes.
void add_detection_loss(DetectionOutput& out, const std::vector<ImageObjects>& labels, const DetectionWeights& weights);

// For each of `columns` things the row that it is given to, no row twice, so that the sum of costs [rows, columns] is
// the least (Jonker and Volgenant 1987). There are at least as many rows.
std::vector<int64_t> assign(const std::vector<double>& costs, int64_t rows, int64_t columns);

// Dense layers with relu between them.
struct PredictionHead : Module {
  std::vector<Linear> layers;
  FIELDS(layers)

  PredictionHead(int64_t in, int64_t hidden, int64_t out, int64_t count);
  Tensor operator()(const Tensor& x) const;
};

// center x, center y, width, height -> left, top, right, bottom, in the last dimension.
Tensor corners(const Tensor& boxes);

}  // namespace imago::nn
