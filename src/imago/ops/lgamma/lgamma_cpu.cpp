#include "imago/ops/lgamma/lgamma.h"

#include <math.h>  // lgamma_r, which unlike std::lgamma writes no global

#include <cmath>
#include <limits>

#include "imago/ops/elementwise_cpu.h"
#include "imago/ops/kernel_table.h"

namespace imago {
namespace {

double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

// psi(x) = psi(x + 1) - 1 / x, until the asymptotic series (Abramowitz and Stegun, 6.3.18) is exact to a double.
double digamma_of(double x) {
  if (!(x > 0)) return std::numeric_limits<double>::quiet_NaN();
  double result = 0;
  for (; x < 10; ++x) result -= 1 / x;
  const double r = 1 / (x * x);
  const double series =
      r *
      (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * (691.0 / 32760 - r / 12))))));
  return result + std::log(x) - 0.5 / x - series;
}

template <class Function>
void map_in_double(const char* name, std::span<const Tensor> inputs, std::span<Tensor> outputs, Function function) {
  dispatch_floating(name, inputs[0].dtype(), [&]<class T>() {
    map_elements<T, T>(inputs[0], outputs[0],
                       [function](auto x) { return static_cast<decltype(x)>(function(static_cast<double>(x))); });
  });
}

void lgamma_cpu(const op::Lgamma&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  map_in_double(op::Lgamma::name, inputs, outputs, log_gamma);
}

void digamma_cpu(const op::Digamma&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  map_in_double(op::Digamma::name, inputs, outputs, digamma_of);
}

}  // namespace

void register_lgamma_cpu(KernelTable& table) {
  table.add<op::Lgamma, lgamma_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Digamma, digamma_cpu>(Device::kCPU, kFloatingDTypes);
}

}  // namespace imago
