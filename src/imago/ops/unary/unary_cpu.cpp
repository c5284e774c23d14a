#include "imago/ops/unary/unary.h"

#include <cmath>

#include "imago/kernels/cpu/elementwise.h"
#include "imago/ops/elementwise_cpu.h"
#include "imago/ops/integer_arithmetic.h"
#include "imago/ops/kernel_table.h"

namespace imago {
namespace {

template <class F>
void map_floating(const char* name, const Tensor& x, const Tensor& y, F f) {
  dispatch_floating(name, x.dtype(), [&]<class T>() { map_elements<T, T>(x, y, f); });
}

template <class F>
void map_numbers(const char* name, const Tensor& x, const Tensor& y, F f) {
  dispatch_computed(name, x.dtype(), [&]<class T>() {
    if constexpr (!std::is_same_v<T, bool>) map_elements<T, T>(x, y, f);
  });
}

template <class F>
void map_predicate(const char* name, const Tensor& x, const Tensor& y, F f) {
  dispatch_computed(name, x.dtype(), [&]<class T>() { map_elements<T, bool>(x, y, f); });
}

#define KERNEL(map, Op, expression)                                                         \
  void Op##_cpu(const op::Op&, std::span<const Tensor> inputs, std::span<Tensor> outputs) { \
    map(op::Op::name, inputs[0], outputs[0], [](auto x) {                                   \
      using T = decltype(x);                                                                \
      return static_cast<T>(expression);                                                    \
    });                                                                                     \
  }
// One of kernels/cpu/elementwise.h.
#define VECTORISED(Op, function)                                                                 \
  void Op##_cpu(const op::Op&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {      \
    dispatch_floating(op::Op::name, inputs[0].dtype(),                                           \
                      [&]<class T>() { map_blocks<T, T>(inputs[0], outputs[0], function<T>); }); \
  }
#define PREDICATE(Op, expression)                                                           \
  void Op##_cpu(const op::Op&, std::span<const Tensor> inputs, std::span<Tensor> outputs) { \
    map_predicate(op::Op::name, inputs[0], outputs[0], [](auto x) { return expression; });  \
  }

// On integers the roundings are the identity; they must not pass through double, which holds 53 bits.
template <class T, class F>
T rounded(T x, F f) {
  if constexpr (std::is_integral_v<T>) {
    return x;
  } else {
    return f(x);
  }
}

KERNEL(map_numbers, Neg, wrapping_subtract(T(0), x))
KERNEL(map_numbers, Abs, x < T(0) ? wrapping_subtract(T(0), x) : x == T(0) ? T(0) : x)
KERNEL(map_numbers, Square, wrapping_multiply(x, x))
KERNEL(map_numbers, Sign, (x > T(0)) - (x < T(0)))
KERNEL(map_numbers, Floor, rounded(x, [](T v) { return std::floor(v); }))
KERNEL(map_numbers, Ceil, rounded(x, [](T v) { return std::ceil(v); }))
KERNEL(map_numbers, Round, rounded(x, [](T v) { return std::nearbyint(v); }))
KERNEL(map_numbers, Relu, x < T(0) ? T(0) : x)
VECTORISED(Exp, kernels::exp)
VECTORISED(Expm1, kernels::expm1)
VECTORISED(Log, kernels::log)
VECTORISED(Log1p, kernels::log1p)
VECTORISED(Sqrt, kernels::sqrt)
VECTORISED(Rsqrt, kernels::rsqrt)
VECTORISED(Sin, kernels::sin)
VECTORISED(Cos, kernels::cos)
VECTORISED(Tanh, kernels::tanh)
VECTORISED(Erf, kernels::erf)
VECTORISED(Sigmoid, kernels::sigmoid)
KERNEL(map_floating, Reciprocal, T(1) / x)
PREDICATE(LogicalNot, x == 0)
PREDICATE(IsNan, x != x)
PREDICATE(IsInf, std::isinf(static_cast<double>(x)))
PREDICATE(IsFinite, std::isfinite(static_cast<double>(x)))

#undef KERNEL
#undef VECTORISED
#undef PREDICATE

void BitwiseNot_cpu(const op::BitwiseNot&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_computed(op::BitwiseNot::name, inputs[0].dtype(), [&]<class T>() {
    if constexpr (std::is_same_v<T, bool>) {
      map_elements<T, T>(inputs[0], outputs[0], [](bool x) { return !x; });
    } else if constexpr (std::is_integral_v<T>) {
      map_elements<T, T>(inputs[0], outputs[0], [](T x) { return static_cast<T>(~x); });
    }
  });
}

}  // namespace

void register_unary_cpu(KernelTable& table) {
  table.add<op::Neg, Neg_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Abs, Abs_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Square, Square_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Sign, Sign_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Floor, Floor_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Ceil, Ceil_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Round, Round_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Relu, Relu_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Exp, Exp_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Expm1, Expm1_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Log, Log_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Log1p, Log1p_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Sqrt, Sqrt_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Rsqrt, Rsqrt_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Reciprocal, Reciprocal_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Sin, Sin_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Cos, Cos_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Tanh, Tanh_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Erf, Erf_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Sigmoid, Sigmoid_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::BitwiseNot, BitwiseNot_cpu>(Device::kCPU, kIntegralOrBoolDTypes);
  table.add<op::LogicalNot, LogicalNot_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::IsNan, IsNan_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::IsInf, IsInf_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::IsFinite, IsFinite_cpu>(Device::kCPU, kComputedDTypes);
}

}  // namespace imago
