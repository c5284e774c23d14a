// The loss of a set of predicted objects (Carion et al. 2020, "End-to-End Object Detection with Transformers").
#pragma once

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

  double mask_loss_coefficient = 1, dice_loss_coefficient = 1;  // of models that give masks: see DetectionConfig
};

// A configuration with these weights, those of masks among them, as its keys.
struct DetectionConfig : Config {
  DetectionWeights weights;
  void each_field(FieldVisitor& visitor) override {
    Config::each_field(visitor);
    weights.each_field(visitor);
    imago::internal::visit_fields(visitor, "mask_loss_coefficient, dice_loss_coefficient",
                                  weights.mask_loss_coefficient, weights.dice_loss_coefficient);
  }
};

// Fills loss and loss_dict from logits and pred_boxes, pred_masks and auxiliary_outputs where there are any; nothing
// where there are no labels. Throws Error
// kInvalidArgument for labels that are not of as many pictures, or of other shapes.
void add_detection_loss(DetectionOutput& out, const std::vector<ImageObjects>& labels, const DetectionWeights& weights);

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
