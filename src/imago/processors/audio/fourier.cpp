#include "imago/processors/audio/fourier.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace imago {
namespace {

using Complex = std::complex<double>;

// As the field has it: std::complex looks for NaN behind each product.
Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}
Complex minus_i_times(Complex a) { return {a.imag(), -a.real()}; }

// Transforms of few numbers, t in place.
void transform_of_2(Complex* t) {
  const Complex sum = t[0] + t[1];
  t[1] = t[0] - t[1];
  t[0] = sum;
}

void transform_of_4(Complex* t) {
  const Complex even = t[0] + t[2], odd = t[1] + t[3], even_apart = t[0] - t[2];
  const Complex turned = minus_i_times(t[1] - t[3]);
  t[0] = even + odd;
  t[1] = even_apart + turned;
  t[2] = even - odd;
  t[3] = even_apart - turned;
}

void transform_of_5(Complex* t) {
  static const double c1 = std::cos(2 * std::numbers::pi / 5), c2 = std::cos(4 * std::numbers::pi / 5);
  static const double s1 = std::sin(2 * std::numbers::pi / 5), s2 = std::sin(4 * std::numbers::pi / 5);
  const Complex outer = t[1] + t[4], inner = t[2] + t[3], outer_apart = t[1] - t[4], inner_apart = t[2] - t[3];
  const Complex first = t[0] + c1 * outer + c2 * inner, second = t[0] + c2 * outer + c1 * inner;
  const Complex first_turned = minus_i_times(s1 * outer_apart + s2 * inner_apart);
  const Complex second_turned = minus_i_times(s2 * outer_apart - s1 * inner_apart);
  t[0] += outer + inner;
  t[1] = first + first_turned;
  t[2] = second + second_turned;
  t[3] = second - second_turned;
  t[4] = first - first_turned;
}

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
void FourierTransform::transform(int64_t size, const Complex* x, int64_t stride, Complex* out) const {
  if (size == 1) {
    out[0] = x[0];
    return;
  }
  const int64_t radix = radix_of(size), part = size / radix, step = size_ / size;
  for (int64_t q = 0; q < radix; ++q) transform(part, x + q * stride, stride * radix, out + q * part);
  std::array<Complex, 8> few;
  std::vector<Complex> many(radix > std::ssize(few) ? static_cast<size_t>(radix) : 0);
  Complex* turned = many.empty() ? few.data() : many.data();
  for (int64_t k = 0; k < part; ++k) {
    turned[0] = out[k];
    for (int64_t q = 1; q < radix; ++q) turned[q] = times(out[q * part + k], roots_[static_cast<size_t>(q * k * step)]);
    switch (radix) {
      case 2: transform_of_2(turned); break;
      case 4: transform_of_4(turned); break;
      case 5: transform_of_5(turned); break;
      default: transform_plainly(radix, turned); break;
    }
    for (int64_t r = 0; r < radix; ++r) out[r * part + k] = turned[r];
  }
}

// By the definition, for other radices.
void FourierTransform::transform_plainly(int64_t radix, Complex* t) const {
  std::vector<Complex> sums(static_cast<size_t>(radix), t[0]);
  const int64_t step = size_ / radix;
  for (int64_t r = 0; r < radix; ++r) {
    for (int64_t q = 1; q < radix; ++q)
      sums[static_cast<size_t>(r)] += times(t[q], roots_[static_cast<size_t>(q * r * step % size_)]);
  }
  std::copy(sums.begin(), sums.end(), t);
}

}  // namespace imago
