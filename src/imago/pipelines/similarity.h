// How alike vectors are, under the names that sentence-transformers has in similarity_fn_name.
#pragma once

#include <string_view>

#include "imago/tensor/tensor.h"

namespace imago {

// Distances are negative, so that of every function more is more alike.
enum class SimilarityFunction { kCosine, kDot, kEuclidean, kManhattan };

// "cosine", "dot", "euclidean" or "manhattan". Throws Error kUnsupported for another name.
SimilarityFunction parse_similarity_function(std::string_view name);
std::string_view to_string(SimilarityFunction function);

// Of each row of a [n, D] with each row of b [m, D]: [n, m]. Half types are computed in float32. Throws Error
// kInvalidArgument where the rows are not of one size.
Tensor similarity(SimilarityFunction function, const Tensor& a, const Tensor& b);

// Of row i of a with row i of b: [n].
Tensor pairwise_similarity(SimilarityFunction function, const Tensor& a, const Tensor& b);

// Rows of length one: [..., D] -> [..., D]. A row of zeros stays as it is.
Tensor normalize_rows(const Tensor& x);

}  // namespace imago
