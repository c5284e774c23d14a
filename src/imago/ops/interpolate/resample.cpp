#include "imago/ops/interpolate/resample.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/operand_checks.h"

namespace imago {
namespace {

template <class Op>
void check_windows(const Op& op, const Tensor& x, int64_t size) {
  require_floating(Op::name, "x", x);
  bool good = op.dim >= 0 && op.dim < x.dim() && !op.start.empty() && op.weights.size() % op.start.size() == 0;
  const size_t width = good ? op.weights.size() / op.start.size() : 0;
  for (size_t o = 0; good && o < op.start.size(); ++o) {
    good = op.start[o] >= 0;
    for (size_t k = 0; good && k < width; ++k) {
      good = op.start[o] + static_cast<int64_t>(k) < size || op.weights[o * width + k] == 0;
    }
  }
  if (!good) {
    throw Error(ErrorKind::kInvalidArgument, Op::name,
                fmt::format("{} windows do not lie in dimension {} of {} elements", op.start.size(), op.dim, size));
  }
}

TensorSpec resized(const Tensor& x, int64_t dim, int64_t size) {
  Shape shape = x.shape();
  shape[static_cast<int>(dim)] = size;
  return {shape, x.dtype()};
}

}  // namespace

TensorSpec op::Resample::check(const Tensor& x) const {
  check_windows(*this, x, dim >= 0 && dim < x.dim() ? x.size(dim) : 0);
  return resized(x, dim, static_cast<int64_t>(start.size()));
}

Tensors op::Resample::vjp(const Backward& b) const {
  return {apply(ResampleTranspose{dim, b.input(0).size(dim), start, weights}, b.grad())};
}

TensorSpec op::ResampleTranspose::check(const Tensor& y) const {
  check_windows(*this, y, size);
  if (y.size(dim) != static_cast<int64_t>(start.size())) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("{} windows for dimension {} of {}", start.size(), dim, y.describe()));
  }
  return resized(y, dim, size);
}

Tensors op::ResampleTranspose::vjp(const Backward& b) const { return {apply(Resample{dim, start, weights}, b.grad())}; }

Tensor resample(const Tensor& x, int64_t dim, const std::vector<std::vector<WeightedIndex>>& elements) {
  std::vector<int64_t> start, end;
  int64_t width = 1;
  for (const std::vector<WeightedIndex>& list : elements) {
    const auto [low, high] = std::minmax_element(
        list.begin(), list.end(), [](const WeightedIndex& a, const WeightedIndex& b) { return a.index < b.index; });
    start.push_back(list.empty() ? 0 : low->index);
    if (!list.empty()) width = std::max(width, high->index - low->index + 1);
  }
  std::vector<double> weights(elements.size() * static_cast<size_t>(width));
  for (size_t o = 0; o < elements.size(); ++o) {
    for (const WeightedIndex& element : elements[o]) {
      weights[o * static_cast<size_t>(width) + static_cast<size_t>(element.index - start[o])] += element.weight;
    }
  }
  return apply(op::Resample{normalize_dim(dim, x.dim(), "resample"), std::move(start), std::move(weights)}, x);
}

}  // namespace imago
