#include "imago/pipelines/similarity.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "imago/base/error.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"

namespace imago {
namespace {

constexpr std::array<std::pair<std::string_view, SimilarityFunction>, 4> kNames = {{
    {"cosine", SimilarityFunction::kCosine},
    {"dot", SimilarityFunction::kDot},
    {"euclidean", SimilarityFunction::kEuclidean},
    {"manhattan", SimilarityFunction::kManhattan},
}};

void expect_matrices(const Tensor& a, const Tensor& b) {
  if (a.dim() == 2 && b.dim() == 2 && a.size(1) == b.size(1)) return;
  throw Error(ErrorKind::kInvalidArgument, "similarity",
              fmt::format("{} and {} are not rows of one size", a.describe(), b.describe()));
}

// Of rows that broadcast against each other, over the last dimension.
Tensor over_last(SimilarityFunction function, const Tensor& a, const Tensor& b) {
  if (function == SimilarityFunction::kEuclidean) return -norm(a - b, 2, {-1});
  if (function == SimilarityFunction::kManhattan) return -norm(a - b, 1, {-1});
  return sum(a * b, {-1});
}

}  // namespace

SimilarityFunction parse_similarity_function(std::string_view name) {
  for (const auto& [known, function] : kNames) {
    if (known == name) return function;
  }
  throw Error(ErrorKind::kUnsupported, "similarity", fmt::format("no similarity function \"{}\"", name),
              "there are cosine, dot, euclidean and manhattan");
}

std::string_view to_string(SimilarityFunction function) {
  for (const auto& [name, known] : kNames) {
    if (known == function) return name;
  }
  return "";
}

Tensor normalize_rows(const Tensor& x) { return x / clamp(norm(x, 2, {-1}, true), 1e-12); }

Tensor similarity(SimilarityFunction function, const Tensor& a, const Tensor& b) {
  expect_matrices(a, b);
  const Tensor x = widen(a), y = widen(b);
  switch (function) {
    case SimilarityFunction::kCosine: return matmul(normalize_rows(x), transpose(normalize_rows(y), 0, 1));
    case SimilarityFunction::kDot: return matmul(x, transpose(y, 0, 1));
    default: return over_last(function, unsqueeze(x, 1), unsqueeze(y, 0));
  }
}

Tensor pairwise_similarity(SimilarityFunction function, const Tensor& a, const Tensor& b) {
  expect_matrices(a, b);
  if (a.size(0) != b.size(0)) {
    throw Error(ErrorKind::kInvalidArgument, "similarity",
                fmt::format("{} rows cannot be paired with {}", a.size(0), b.size(0)));
  }
  const Tensor x = widen(a), y = widen(b);
  return function == SimilarityFunction::kCosine ? over_last(function, normalize_rows(x), normalize_rows(y))
                                                 : over_last(function, x, y);
}

}  // namespace imago
