#include "imago/ops/strided_loop.h"

namespace imago {

Shape broadcast_strides(const Tensor& tensor, const Shape& shape) {
  Shape strides = Shape::filled(shape.size(), 0);
  const int lead = shape.size() - tensor.dim();
  for (int d = 0; d < tensor.dim(); ++d) {
    if (tensor.shape()[d] != 1) strides[lead + d] = tensor.strides()[d];
  }
  return strides;
}

}  // namespace imago
