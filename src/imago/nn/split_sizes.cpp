#include "imago/nn/split_sizes.h"

#include "imago/ops/slice/slice.h"

namespace imago::nn {

Tensors split_sizes(const Tensor& x, std::span<const int64_t> sizes, int64_t dim) {
  Tensors parts;
  int64_t first = 0;
  for (const int64_t size : sizes) {
    parts.push_back(narrow(x, dim, first, size));
    first += size;
  }
  return parts;
}

}  // namespace imago::nn
