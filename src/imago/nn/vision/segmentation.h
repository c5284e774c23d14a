// The loss of a label for each pixel.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::nn {

// logits [B, labels, h, w], resized to labels [B, height, width]: cross entropy where the label is not `ignored`, or of
// one label its binary cross entropy, as a mean over all pixels. Undefined where there are no labels.
Tensor semantic_segmentation_loss(const Tensor& logits, const Tensor& labels, int64_t ignored);

}  // namespace imago::nn
