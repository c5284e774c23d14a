#include "imago/train/parallel/sharding.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "imago/ops/concat/concat.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// Elements of each process's part.
std::vector<int64_t> part_elements(const Sharding& sharding) {
  std::vector<int64_t> elements = sharding.sizes;
  for (int d = 0; d < sharding.shape.size(); ++d) {
    if (d == sharding.dim) continue;
    for (int64_t& count : elements) count *= sharding.shape[d];
  }
  return elements;
}

Shape with_size(Shape shape, int dim, int64_t size) {
  shape[dim] = size;
  return shape;
}

}  // namespace

std::shared_ptr<const Sharding> Sharding::split(Communicator& communicator, std::string name, const Shape& shape,
                                                int dim) {
  Sharding sharding{&communicator, std::move(name), shape, dim, {}};
  const int64_t ranks = communicator.size(), each = (shape[dim] + ranks - 1) / ranks;
  for (int64_t rank = 0; rank < ranks; ++rank)
    sharding.sizes.push_back(std::clamp<int64_t>(shape[dim] - rank * each, 0, each));
  return std::make_shared<const Sharding>(std::move(sharding));
}

int64_t Sharding::begin() const {
  int64_t first = 0;
  for (int rank = 0; rank < communicator->rank(); ++rank) first += sizes[static_cast<size_t>(rank)];
  return first;
}

Shape Sharding::part_shape() const { return with_size(shape, dim, size()); }

Tensor Sharding::part(const Tensor& whole) const { return narrow(whole, dim, begin(), size()); }

Tensor Sharding::gather(const Tensor& part) const {
  const NoGrad no_grad;
  const std::vector<int64_t> elements = part_elements(*this);
  const Tensor flat = communicator->all_gather(contiguous(part), elements);
  if (dim == 0) return reshape(flat, shape);
  Tensors pieces;
  int64_t first = 0;
  for (size_t rank = 0; rank < sizes.size(); ++rank) {
    pieces.push_back(reshape(narrow(flat, 0, first, elements[rank]), with_size(shape, dim, sizes[rank])));
    first += elements[rank];
  }
  return concat(pieces, dim);
}

Tensor Sharding::reduce(const Tensor& whole) const {
  const NoGrad no_grad;
  if (dim == 0) return reshape(communicator->reduce_scatter(contiguous(whole), part_elements(*this)), part_shape());
  Tensors pieces;
  int64_t first = 0;
  for (const int64_t count : sizes) {
    pieces.push_back(reshape(narrow(whole, dim, first, count), {-1}));
    first += count;
  }
  return reshape(communicator->reduce_scatter(contiguous(concat(pieces, 0)), part_elements(*this)), part_shape());
}

void Sharding::meet() const {
  communicator->expect_same(static_cast<int64_t>(std::hash<std::string>{}(name) >> 2), name);
}

}  // namespace imago
