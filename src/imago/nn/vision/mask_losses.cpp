#include "imago/nn/vision/mask_losses.h"

#include "imago/nn/binary_cross_entropy.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

constexpr double kInsideShare = 0.25;  // the weight of places inside, against those outside, of the focal loss

Tensor of_overlap(const Tensor& inner, const Tensor& whole) { return 1.0 - (inner * 2.0 + 1.0) / (whole + 1.0); }

}  // namespace

Tensor dice_loss(const Tensor& logits_MP, const Tensor& targets_MP) {
  const Tensor p_MP = sigmoid(logits_MP);
  return sum(of_overlap(sum(p_MP * targets_MP, {1}), sum(p_MP, {1}) + sum(targets_MP, {1})));
}

Tensor focal_loss(const Tensor& logits_MP, const Tensor& targets_MP) {
  const Tensor p_MP = sigmoid(logits_MP), outside_MP = 1.0 - targets_MP;
  const Tensor right_MP = p_MP * targets_MP + (1.0 - p_MP) * outside_MP;
  const Tensor weight_MP = targets_MP * kInsideShare + outside_MP * (1 - kInsideShare);
  const Tensor losses = weight_MP * (binary_cross_entropy_with_logits(logits_MP, targets_MP) * square(1.0 - right_MP));
  return sum(mean(losses, {1}));
}

Tensor mask_cross_entropy(const Tensor& logits_MP, const Tensor& targets_MP) {
  return sum(mean(binary_cross_entropy_with_logits(logits_MP, targets_MP), {1}));
}

Tensor pairwise_dice_loss(const Tensor& logits_QP, const Tensor& targets_KP) {
  const Tensor p_QP = sigmoid(logits_QP);
  return of_overlap(matmul(p_QP, transpose(targets_KP, 0, 1)),
                    unsqueeze(sum(p_QP, {1}), 1) + unsqueeze(sum(targets_KP, {1}), 0));
}

Tensor pairwise_mask_cross_entropy(const Tensor& logits_QP, const Tensor& targets_KP) {
  const auto places = static_cast<double>(logits_QP.size(1));
  const auto if_target = [&](double value) {
    const Tensor target = Tensor::full({}, value, logits_QP.dtype());
    return binary_cross_entropy_with_logits(logits_QP, target) / places;
  };
  const Tensor inside_PK = transpose(targets_KP, 0, 1);
  return matmul(if_target(1), inside_PK) + matmul(if_target(0), 1.0 - inside_PK);
}

}  // namespace imago::nn
