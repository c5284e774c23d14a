#include "imago/nn/vision/segmentation.h"

#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/cross_entropy/cross_entropy.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {

Tensor semantic_segmentation_loss(const Tensor& logits, const Tensor& labels, int64_t ignored) {
  if (!labels) return {};
  const Tensor resized = interpolate(logits, {.size = {labels.size(1), labels.size(2)}, .mode = "bilinear"});
  if (logits.size(1) > 1) {
    const Tensor rows = reshape(permute(resized, {0, 2, 3, 1}), {-1, logits.size(1)});
    return cross_entropy(rows, reshape(labels, {-1}), {.ignore_index = ignored});
  }
  const Tensor x = squeeze(resized, 1), y = cast(labels, x.dtype());
  const Tensor losses = relu(x) - x * y + log1p(exp(neg(abs(x))));
  const Tensor counts = logical_and(ge(labels, 0), ne(labels, static_cast<double>(ignored)));
  return mean(losses * cast(counts, x.dtype()));
}

}  // namespace imago::nn
