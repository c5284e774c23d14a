// The discrete Fourier transform of the short frames that features are made of.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace imago {

// Of one size, by mixed radix (Cooley and Tukey 1965): quick for sizes of small prime factors, right for all.
class FourierTransform {
 public:
  explicit FourierTransform(int64_t size);

  int64_t size() const { return size_; }
  // sum over n of x[n] exp(-2 pi i k n / size), for every k.
  void operator()(std::span<const std::complex<double>> x, std::span<std::complex<double>> out) const;

 private:
  void transform(int64_t size, const std::complex<double>* x, int64_t stride, std::complex<double>* out) const;
  void transform_plainly(int64_t radix, std::complex<double>* t) const;

  int64_t size_;
  std::vector<std::complex<double>> roots_;  // exp(-2 pi i n / size)
};

}  // namespace imago
