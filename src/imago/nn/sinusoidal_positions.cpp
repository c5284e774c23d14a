#include "imago/nn/sinusoidal_positions.h"

#include <cmath>
#include <vector>

namespace imago::nn {

Tensor sinusoidal_positions(const Tensor& positions, int64_t size, Sinusoids kind) {
  const bool paper = kind == Sinusoids::kPaper;
  const int64_t sines = paper ? (size + 1) / 2 : size / 2, cosines = size / 2;
  std::vector<double> frequencies;
  for (int64_t i = 0; i < sines; ++i) {
    const double exponent = paper ? 2.0 * static_cast<double>(i) / static_cast<double>(size)
                                  : static_cast<double>(i) / static_cast<double>(size / 2 - 1);
    frequencies.push_back(std::pow(10000.0, -exponent));
  }
  std::vector<float> values;
  values.reserve(static_cast<size_t>(positions.numel() * size));
  for (const int64_t position : positions.to_vector<int64_t>()) {
    const auto angle = [&](int64_t i) { return static_cast<double>(position) * frequencies[static_cast<size_t>(i)]; };
    for (int64_t i = 0; i < sines; ++i) values.push_back(static_cast<float>(std::sin(angle(i))));
    for (int64_t i = 0; i < cosines; ++i) values.push_back(static_cast<float>(std::cos(angle(i))));
    values.resize(values.size() + static_cast<size_t>(size - sines - cosines));
  }
  Shape shape = positions.shape();
  shape.push_back(size);
  return Tensor::from(std::span<const float>(values), shape);
}

Tensor interleaved_sinusoidal_positions(const Tensor& positions, int64_t size) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(positions.numel() * size));
  for (const int64_t position : positions.to_vector<int64_t>()) {
    for (int64_t i = 0; i < size; ++i) {
      const double frequency = std::pow(10000.0, -static_cast<double>(i - i % 2) / static_cast<double>(size));
      const double angle = static_cast<double>(position) * frequency;
      values.push_back(static_cast<float>(i % 2 == 0 ? std::sin(angle) : std::cos(angle)));
    }
  }
  Shape shape = positions.shape();
  shape.push_back(size);
  return Tensor::from(std::span<const float>(values), shape);
}

}  // namespace imago::nn
