// The loss of a set of predicted segments (Cheng et al. 2021, "Masked-attention Mask Transformer for Universal Image
// Segmentation", section 3.3): masks are compared at points that are drawn, as torch draws them (see random_source.h).
#pragma once

#include <vector>

#include "imago/nn/config.h"

namespace imago::nn {

// The weights that config.json gives to the parts, of costs as of losses, and how points are drawn.
struct SegmentationWeights {
  double class_weight = 2, mask_weight = 5, dice_weight = 5, no_object_weight = 0.1;
  double oversample_ratio = 3;            // how many times as many points are drawn as are compared
  double importance_sample_ratio = 0.75;  // of those, the share that is taken where masks are least certain
  int64_t train_num_points = 12544;
  FIELDS(class_weight, mask_weight, dice_weight, no_object_weight, oversample_ratio, importance_sample_ratio,
         train_num_points)
};

// A configuration with these weights among its keys.
struct SegmentationConfig : Config {
  SegmentationWeights weights;
  void each_field(FieldVisitor& visitor) override {
    Config::each_field(visitor);
    weights.each_field(visitor);
  }
};

// One decoder layer's predictions. B batch, Q queries.
struct SegmentPredictions {
  Tensor masks_queries_logits;  // [B, Q, height', width']
  Tensor class_queries_logits;  // [B, Q, labels + 1]
  FIELDS(masks_queries_logits, class_queries_logits)
};

// The sum of all layers' weighted losses, each matched by itself; they draw one after the other. Labels of each
// picture: masks [K, height, width], 1 inside, and classes [K]. Throws Error kInvalidArgument for labels that are not
// of as many pictures, or of other shapes.
Tensor universal_segmentation_loss(const std::vector<SegmentPredictions>& layers,
                                   const std::vector<Tensor>& mask_labels, const std::vector<Tensor>& class_labels,
                                   const SegmentationWeights& weights);

}  // namespace imago::nn
