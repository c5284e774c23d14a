#include "imago/nn/distance_scores.h"

#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::nn {

Tensor distances(int64_t tokens) {
  const Tensor places = Tensor::arange(0, static_cast<double>(tokens));
  return unsqueeze(places, 0) - unsqueeze(places, 1);
}

Tensor scores_of_rows(const Tensor& scores_BHTR, const Tensor& rows_TT) {
  const int64_t tokens = rows_TT.size(0);
  const Shape shape = {scores_BHTR.size(0), scores_BHTR.size(1), tokens, tokens};
  return gather(scores_BHTR, 3, expand(reshape(rows_TT, {1, 1, tokens, tokens}), shape));
}

}  // namespace imago::nn
