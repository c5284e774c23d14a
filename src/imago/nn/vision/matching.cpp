#include "imago/nn/vision/matching.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

Matches match(const Tensor& costs_QK) {
  std::vector<double> costs = costs_QK.to_vector<double>();
  for (double& cost : costs) {
    if (!std::isfinite(cost)) cost = std::numeric_limits<float>::max();
  }
  const std::vector<int64_t> given = assign(costs, costs_QK.size(0), costs_QK.size(1));
  Matches matches{given, std::vector<int64_t>(given.size())};
  std::iota(matches.objects.begin(), matches.objects.end(), int64_t{0});
  std::sort(matches.objects.begin(), matches.objects.end(), [&](int64_t a, int64_t b) { return given[a] < given[b]; });
  std::sort(matches.predictions.begin(), matches.predictions.end());
  return matches;
}

std::vector<int64_t> assign(const std::vector<double>& costs, int64_t rows, int64_t columns) {
  // Things are placed one after the other; each time along the shortest path of costs that are reduced by potentials.
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<double> of_thing(columns + 1, 0), of_row(rows + 1, 0);
  std::vector<int64_t> thing_at(rows + 1, 0);  // from 1 on; 0 is none
  for (int64_t thing = 1; thing <= columns; ++thing) {
    std::vector<double> distance(rows + 1, kInfinity);
    std::vector<int64_t> before(rows + 1, 0);
    std::vector<bool> done(rows + 1, false);
    int64_t row = 0;
    thing_at[0] = thing;
    do {
      done[row] = true;
      const int64_t here = thing_at[row];
      double least = kInfinity;
      int64_t next = 0;
      for (int64_t r = 1; r <= rows; ++r) {
        if (done[r]) continue;
        const double reduced = costs[(r - 1) * columns + here - 1] - of_thing[here] - of_row[r];
        if (reduced < distance[r]) distance[r] = reduced, before[r] = row;
        if (distance[r] < least) least = distance[r], next = r;
      }
      for (int64_t r = 0; r <= rows; ++r) {
        if (done[r]) {
          of_thing[thing_at[r]] += least, of_row[r] -= least;
        } else {
          distance[r] -= least;
        }
      }
      row = next;
    } while (thing_at[row] != 0);
    for (; row != 0; row = before[row]) thing_at[row] = thing_at[before[row]];
  }
  std::vector<int64_t> assigned(columns);
  for (int64_t r = 1; r <= rows; ++r) {
    if (thing_at[r] != 0) assigned[thing_at[r] - 1] = r - 1;
  }
  return assigned;
}

Tensor matched_predictions(const Tensor& x, const std::vector<Matches>& matches) {
  std::vector<int64_t> rows;
  for (size_t picture = 0; picture < matches.size(); ++picture) {
    for (const int64_t each : matches[picture].predictions)
      rows.push_back(static_cast<int64_t>(picture) * x.size(1) + each);
  }
  return index_select(flatten(x, 0, 1), 0, Tensor::from(rows));
}

Tensor matched_objects(const std::vector<Tensor>& objects, const std::vector<Matches>& matches) {
  Shape largest = objects.at(0).shape();
  for (const Tensor& each : objects) {
    for (int64_t dim = 1; dim < each.dim(); ++dim) largest[dim] = std::max(largest[dim], each.size(dim));
  }
  Tensors chosen;
  for (size_t picture = 0; picture < matches.size(); ++picture) {
    Tensor one = index_select(objects[picture], 0, Tensor::from(matches[picture].objects));
    Shape missing;  // behind the last dimension, then behind the one before
    for (int64_t dim = one.dim() - 1; dim > 0; --dim) {
      missing.push_back(0);
      missing.push_back(largest[dim] - one.size(dim));
    }
    if (std::any_of(missing.begin(), missing.end(), [](int64_t n) { return n > 0; })) one = pad(one, missing, 0);
    chosen.push_back(one);
  }
  return concat(chosen, 0);
}

Tensor matched_class_loss(const Tensor& logits_BQC, const std::vector<Tensor>& class_labels,
                          const std::vector<Matches>& matches, double nothing_weight) {
  const int64_t queries = logits_BQC.size(1), nothing = logits_BQC.size(2) - 1;
  std::vector<int64_t> classes(static_cast<size_t>(logits_BQC.size(0) * queries), nothing);
  for (size_t picture = 0; picture < matches.size(); ++picture) {
    const std::vector<int64_t> ids = class_labels[picture].to_vector<int64_t>();
    for (size_t i = 0; i < ids.size(); ++i)
      classes[picture * queries + matches[picture].predictions[i]] = ids[matches[picture].objects[i]];
  }
  std::vector<double> weights(static_cast<size_t>(nothing), 1.0);
  weights.push_back(nothing_weight);
  const Tensor rows = flatten(logits_BQC, 0, 1), targets = Tensor::from(classes);
  const Tensor row_weights = index_select(cast(Tensor::from(weights), rows.dtype()), 0, targets);
  const Tensor likelihoods = squeeze(gather(rows, 1, unsqueeze(targets, 1)), 1) - logsumexp(rows, {1});
  return sum(likelihoods * row_weights) / sum(row_weights) * -1.0;
}

double object_count(const std::vector<Tensor>& class_labels) {
  int64_t count = 0;
  for (const Tensor& labels : class_labels) count += labels.numel();
  return static_cast<double>(std::max<int64_t>(1, count));
}

}  // namespace imago::nn
