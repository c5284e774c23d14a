// Models that find segments of any kind in pictures: a mask and a label for each of some queries.
#pragma once

#include <optional>

#include "imago/nn/image_model.h"

namespace imago {

struct SegmentationInputs {
  Tensor pixel_values;  // [B, C, height, width]
  Tensor pixel_mask;    // [B, height, width] 0 is padding
  // What is really in each picture: K segments, their masks [K, height, width], 1 inside, and their labels [K]. They
  // give a loss.
  Tensors mask_labels = {}, class_labels = {};
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  // "mask_labels.0", ...: as many pictures as a visitor gives labels.
  void each_field(FieldVisitor& visitor);
};

// What every such model gives: Q queries.
struct QueriedMasks {
  Tensor class_logits;  // [B, Q, labels + 1]: the last is "no segment"
  Tensor mask_logits;   // [B, Q, height', width']: above 0 inside
  // The side of the square to which the reference resizes masks before it judges them; then instances may overlap.
  std::optional<int64_t> judged_side = {};
};

struct UniversalSegmentation {
  virtual ~UniversalSegmentation() = default;
  virtual QueriedMasks queried_masks(const SegmentationInputs& inputs) const = 0;
};

}  // namespace imago
