// How far masks are from what they should be. Logits and targets, 1 inside and 0 outside, are at the same P places of M
// masks: [M, P]. Each is a mean over places, and a sum over masks.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::nn {

// How little both overlap (Milletari et al. 2016, "V-Net").
Tensor dice_loss(const Tensor& logits_MP, const Tensor& targets_MP);
// Lin et al. 2017, "Focal Loss for Dense Object Detection".
Tensor focal_loss(const Tensor& logits_MP, const Tensor& targets_MP);
Tensor mask_cross_entropy(const Tensor& logits_MP, const Tensor& targets_MP);

// The first and the last of every prediction [Q, P] and every target [K, P], one by one: [Q, K].
Tensor pairwise_dice_loss(const Tensor& logits_QP, const Tensor& targets_KP);
Tensor pairwise_mask_cross_entropy(const Tensor& logits_QP, const Tensor& targets_KP);

}  // namespace imago::nn
