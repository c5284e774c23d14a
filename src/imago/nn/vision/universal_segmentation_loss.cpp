// B pictures, Q queries, M matched pairs of all pictures, P points.
#include "imago/nn/vision/universal_segmentation_loss.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/random_source.h"
#include "imago/nn/vision/bilinear_points.h"
#include "imago/nn/vision/mask_losses.h"
#include "imago/nn/vision/matching.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/topk/topk.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"

namespace imago::nn {
namespace {

// Places of `count` masks, x and y from 0 to 1: [count, points, 2].
Tensor draw_points(int64_t count, int64_t points) { return random_source().uniform({count, points, 2}, 0, 1); }

void check_labels(const SegmentPredictions& predicted, const std::vector<Tensor>& masks,
                  const std::vector<Tensor>& classes) {
  const auto batch = static_cast<size_t>(predicted.class_queries_logits.size(0));
  if (masks.size() != batch || classes.size() != batch) {
    throw Error(ErrorKind::kInvalidArgument, "loss",
                fmt::format("there are mask_labels of {} and class_labels of {} pictures, and {} pictures",
                            masks.size(), classes.size(), batch));
  }
  for (size_t picture = 0; picture < batch; ++picture) {
    const int64_t count = classes[picture].numel();
    if (count < 1 || count > predicted.class_queries_logits.size(1) || classes[picture].dim() != 1 ||
        masks[picture].dim() != 3 || masks[picture].size(0) != count) {
      throw Error(ErrorKind::kInvalidArgument, "loss",
                  fmt::format("labels of picture {} are not of 1 to {} segments, with a mask [height, width] each",
                              picture, predicted.class_queries_logits.size(1)));
    }
  }
}

Matches match_segments(const Tensor& masks_QHW, const Tensor& logits_QC, const Tensor& mask_labels,
                       const Tensor& class_labels, const SegmentationWeights& w) {
  const NoGrad no_grad;
  const Tensor points_1P2 = draw_points(1, w.train_num_points);
  const auto read = [&](const Tensor& masks) {
    return read_points(cast(masks, DType::f32), expand(points_1P2, {masks.size(0), -1, -1}));
  };
  const Tensor p_QK = index_select(softmax(logits_QC, -1), 1, class_labels);
  const Tensor predicted_QP = read(masks_QHW), wanted_KP = read(mask_labels);
  return match(pairwise_mask_cross_entropy(predicted_QP, wanted_KP) * w.mask_weight - p_QK * w.class_weight +
               pairwise_dice_loss(predicted_QP, wanted_KP) * w.dice_weight);
}

// Many of them where the masks' logits are nearest to 0, the others anywhere: [M, P, 2].
Tensor uncertain_points(const Tensor& masks_MHW, const SegmentationWeights& w) {
  const int64_t count = masks_MHW.size(0), points = w.train_num_points;
  const auto drawn = static_cast<int64_t>(static_cast<double>(points) * w.oversample_ratio);
  const auto uncertain = static_cast<int64_t>(w.importance_sample_ratio * static_cast<double>(points));
  const Tensor all_MP2 = draw_points(count, drawn);
  const Tensor certainty_MP = abs(read_points(masks_MHW, all_MP2));
  std::vector<int64_t> first;
  for (int64_t i = 0; i < count; ++i) first.push_back(i * drawn);
  const Tensor rows = topk(certainty_MP, uncertain, 1, false).indices + Tensor::from(first, {count, 1});
  const Tensor chosen = reshape(index_select(flatten(all_MP2, 0, 1), 0, reshape(rows, {-1})), {count, uncertain, 2});
  return points == uncertain ? chosen : concat({chosen, draw_points(count, points - uncertain)}, 1);
}

Tensor layer_loss(const SegmentPredictions& predicted, const std::vector<Tensor>& mask_labels,
                  const std::vector<Tensor>& class_labels, const SegmentationWeights& w) {
  std::vector<Matches> matches;
  for (size_t picture = 0; picture < class_labels.size(); ++picture) {
    const auto row = static_cast<int64_t>(picture);
    matches.push_back(match_segments(select(predicted.masks_queries_logits, 0, row),
                                     select(predicted.class_queries_logits, 0, row), mask_labels[picture],
                                     class_labels[picture], w));
  }
  const Tensor masks_MHW = cast(matched_predictions(predicted.masks_queries_logits, matches), DType::f32);
  Tensor points_MP2, targets_MP;
  {
    const NoGrad no_grad;
    points_MP2 = uncertain_points(masks_MHW, w);
    targets_MP = read_points(cast(matched_objects(mask_labels, matches), DType::f32), points_MP2);
  }
  const Tensor logits_MP = read_points(masks_MHW, points_MP2);
  const double count = object_count(class_labels);
  return matched_class_loss(predicted.class_queries_logits, class_labels, matches, w.no_object_weight) *
             w.class_weight +
         mask_cross_entropy(logits_MP, targets_MP) / count * w.mask_weight +
         dice_loss(logits_MP, targets_MP) / count * w.dice_weight;
}

}  // namespace

Tensor universal_segmentation_loss(const std::vector<SegmentPredictions>& layers,
                                   const std::vector<Tensor>& mask_labels, const std::vector<Tensor>& class_labels,
                                   const SegmentationWeights& weights) {
  Tensor loss;
  for (const SegmentPredictions& layer : layers) {
    if (!loss) check_labels(layer, mask_labels, class_labels);
    const Tensor one = layer_loss(layer, mask_labels, class_labels, weights);
    loss = loss ? loss + one : one;
  }
  return loss;
}

}  // namespace imago::nn
