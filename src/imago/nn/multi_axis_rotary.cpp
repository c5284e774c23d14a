#include "imago/nn/multi_axis_rotary.h"

#include <cmath>

#include "imago/tensor/dispatch.h"

namespace imago::nn {

RotaryAngles multi_axis_angles(const Tensor& positions, std::span<const double> frequencies,
                               std::span<const int64_t> axis_of_pair, DType dtype) {
  const std::vector<int64_t> values = positions.to_vector<int64_t>();
  const int64_t rows = positions.size(1) * positions.size(2);
  const Shape shape{positions.size(1), positions.size(2), std::ssize(frequencies)};
  const RotaryAngles angles{Tensor::empty(shape, dtype), Tensor::empty(shape, dtype)};
  dispatch_floating("rotary", dtype, [&]<class T>() {
    T* cos = angles.cos.data<T>();
    T* sin = angles.sin.data<T>();
    for (int64_t row = 0; row < rows; ++row) {
      for (size_t pair = 0; pair < frequencies.size(); ++pair) {
        const double angle = static_cast<double>(values[axis_of_pair[pair] * rows + row]) * frequencies[pair];
        *cos++ = convert_scalar<T>(std::cos(angle));
        *sin++ = convert_scalar<T>(std::sin(angle));
      }
    }
  });
  return angles;
}

}  // namespace imago::nn
