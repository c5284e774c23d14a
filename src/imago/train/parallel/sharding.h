// Which part of a tensor each of several processes keeps.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "imago/train/parallel/communicator.h"

namespace imago {

// A range along one dimension for each process, by rank; ranges may be empty.
struct Sharding {
  Communicator* communicator;
  std::string name;  // the parameter's, for errors
  Shape shape;       // of the whole
  int dim;
  std::vector<int64_t> sizes;  // along dim

  // Ranges of one size, but the last ones.
  static std::shared_ptr<const Sharding> split(Communicator& communicator, std::string name, const Shape& shape,
                                               int dim);

  int64_t begin() const;  // of this process's range
  int64_t size() const { return sizes[static_cast<size_t>(communicator->rank())]; }
  Shape part_shape() const;

  // This process's part, a view; of whole tensors of this shape.
  Tensor part(const Tensor& whole) const;
  // The whole of all parts. Collective.
  Tensor gather(const Tensor& part) const;
  // This process's part of the sum of the wholes. Collective.
  Tensor reduce(const Tensor& whole) const;
  // Throws Error kInternal unless all processes are at this parameter.
  void meet() const;
};

}  // namespace imago
