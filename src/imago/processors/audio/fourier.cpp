#include "imago/processors/audio/fourier.h"

#include <array>
#include <cmath>
#include <numbers>

namespace imago {
namespace {

int64_t radix_of(int64_t size) {
  if (size % 4 == 0) return 4;
  for (int64_t factor = 2; factor * factor <= size; ++factor) {
    if (size % factor == 0) return factor;
  }
  return size;
}

}  // namespace

FourierTransform::FourierTransform(int64_t size) : size_(size) {
  for (int64_t n = 0; n < size; ++n) {
    const double angle = -2 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(size);
    roots_.emplace_back(std::cos(angle), std::sin(angle));
  }
}

void FourierTransform::operator()(std::span<const std::complex<double>> x, std::span<std::complex<double>> out) const {
  transform(size_, x.data(), 1, out.data());
}

// Of x[0], x[stride], ...: transforms of every radix-th element, put together.
void FourierTransform::transform(int64_t size, const std::complex<double>* x, int64_t stride,
                                 std::complex<double>* out) const {
  if (size == 1) {
    out[0] = x[0];
    return;
  }
  const int64_t radix = radix_of(size), part = size / radix, step = size_ / size;
  for (int64_t q = 0; q < radix; ++q) transform(part, x + q * stride, stride * radix, out + q * part);
  std::vector<std::complex<double>> many;
  std::array<std::complex<double>, 8> few;
  if (radix > static_cast<int64_t>(few.size())) many.resize(static_cast<size_t>(radix));
  std::complex<double>* turned = many.empty() ? few.data() : many.data();
  for (int64_t k = 0; k < part; ++k) {
    for (int64_t q = 0; q < radix; ++q) turned[q] = out[q * part + k] * roots_[static_cast<size_t>(q * k * step)];
    for (int64_t r = 0; r < radix; ++r) {
      std::complex<double> sum = turned[0];
      for (int64_t q = 1; q < radix; ++q) sum += turned[q] * roots_[static_cast<size_t>(q * r * part * step % size_)];
      out[r * part + k] = sum;
    }
  }
}

}  // namespace imago
