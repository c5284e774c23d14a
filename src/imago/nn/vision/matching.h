// Which prediction is meant for which object of a picture (Carion et al. 2020, "End-to-End Object Detection with
// Transformers", section 3.1). B pictures, Q predictions of each, K objects of one, M pairs of all pictures.
#pragma once

#include <vector>

#include "imago/tensor/tensor.h"

namespace imago::nn {

// The pairs of one picture, in the order of its predictions.
struct Matches {
  std::vector<int64_t> predictions, objects;
};

// Those whose costs [Q, K] have the least sum; what is no number costs most. There are at least as many predictions.
Matches match(const Tensor& costs_QK);

// For each of `columns` things the row that it is given to, no row twice, so that the sum of costs [rows, columns] is
// the least (Jonker and Volgenant 1987). There are at least as many rows.
std::vector<int64_t> assign(const std::vector<double>& costs, int64_t rows, int64_t columns);

// The predictions of all pictures that have an object, among x [B, Q, ...]: [M, ...].
Tensor matched_predictions(const Tensor& x, const std::vector<Matches>& matches);
// The objects of these pairs, of a tensor [K, ...] per picture: [M, ...]. Masks of several sizes are padded with 0.
Tensor matched_objects(const std::vector<Tensor>& objects, const std::vector<Matches>& matches);

// The weighted mean of cross entropies of logits [B, Q, labels + 1]: predictions without an object should say the last
// label, and weigh `nothing_weight` then.
Tensor matched_class_loss(const Tensor& logits_BQC, const std::vector<Tensor>& class_labels,
                          const std::vector<Matches>& matches, double nothing_weight);

// By what losses are divided: how many objects all pictures have, at least 1.
double object_count(const std::vector<Tensor>& class_labels);

}  // namespace imago::nn
