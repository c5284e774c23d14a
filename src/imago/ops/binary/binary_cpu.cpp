#include "imago/ops/binary/binary.h"

#include <cmath>

#include "imago/base/error.h"
#include "imago/kernels/cpu/elementwise.h"
#include "imago/ops/elementwise_cpu.h"
#include "imago/ops/integer_arithmetic.h"
#include "imago/ops/kernel_table.h"

namespace imago {
namespace {

// Python's and torch's division: the quotient rounds down, the remainder has the divisor's sign.
template <class T>
T floor_remainder(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == static_cast<T>(-1)) return 0;  // the smallest number divided by -1 overflows
    const T rest = static_cast<T>(a % b);
    return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
  } else {
    const T rest = std::fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
}

template <class T>
T truncated_remainder(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return b == static_cast<T>(-1) ? T(0) : static_cast<T>(a % b);
  } else {
    return std::fmod(a, b);
  }
}

template <class T>
T floor_quotient(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == static_cast<T>(-1)) return wrapping_subtract(T(0), a);
    const T quotient = static_cast<T>(a / b);
    return a % b != 0 && (a < 0) != (b < 0) ? static_cast<T>(quotient - 1) : quotient;
  } else {
    if (b == 0) return a / b;
    // a - remainder is a multiple of b up to rounding, which floor(a / b) is not: 1 / 0.1 rounds to 10 but 0.1 > 1/10.
    const T rest = std::fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1;
    return quotient == 0 ? std::copysign(T(0), a / b) : std::round(quotient);
  }
}

template <class T>
T power(T base, T exponent) {
  if constexpr (std::is_integral_v<T>) {
    if (exponent < 0) {
      if (base == 1) return 1;
      if (base == static_cast<T>(-1)) return exponent % 2 == 0 ? T(1) : static_cast<T>(-1);
      return 0;
    }
    T result = 1;
    for (; exponent > 0; exponent = static_cast<T>(exponent / 2)) {
      if (exponent % 2 != 0) result = wrapping_multiply(result, base);
      base = wrapping_multiply(base, base);
    }
    return result;
  } else {
    return std::pow(base, exponent);
  }
}

void refuse_zero_divisor(const char* name, const Tensor& divisor) {
  if (divisor.numel() == 0) return;
  dispatch_computed(name, divisor.dtype(), [&]<class T>() {
    if constexpr (std::is_integral_v<T>) {
      bool zero = false;
      const T* data = divisor.const_data<T>();
      const StridedLoop<1> loop(divisor.shape(), {divisor.strides()});
      loop.run_range(0, divisor.numel(), [&](const auto& offsets, const auto& strides, int64_t count) {
        for (int64_t i = 0; i < count; ++i) zero |= data[offsets[0] + i * strides[0]] == 0;
      });
      if (zero) {
        throw Error(ErrorKind::kInvalidArgument, name, "an integer is divided by zero in " + divisor.describe());
      }
    }
  });
}

// Floating-point numbers by one of kernels/cpu/elementwise.h, integers and bool by the expression.
#define KERNEL(Op, function, expression)                                                                           \
  void Op##_cpu(const op::Op&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {                        \
    dispatch_computed(op::Op::name, inputs[0].dtype(), [&]<class T>() {                                            \
      if constexpr (std::is_integral_v<T>) {                                                                       \
        map_elements<T, T>(inputs[0], inputs[1], outputs[0], [](T a, T b) { return static_cast<T>(expression); }); \
      } else {                                                                                                     \
        map_blocks<T, T>(inputs[0], inputs[1], outputs[0], function<T>);                                           \
      }                                                                                                            \
    });                                                                                                            \
  }
#define FLOATING_KERNEL(Op, expression)                                                     \
  void Op##_cpu(const op::Op&, std::span<const Tensor> inputs, std::span<Tensor> outputs) { \
    dispatch_floating(op::Op::name, inputs[0].dtype(), [&]<class Element>() {               \
      using T = Compute<Element>;                                                           \
      map_elements<Element, Element>(inputs[0], inputs[1], outputs[0],                      \
                                     [](T a, T b) { return static_cast<T>(expression); });  \
    });                                                                                     \
  }
// Of numbers and not of bool, whose instance would not compile or makes no sense.
#define NUMBER_KERNEL(Op, expression, before)                                                \
  void Op##_cpu(const op::Op&, std::span<const Tensor> inputs, std::span<Tensor> outputs) {  \
    before;                                                                                  \
    dispatch_computed(op::Op::name, inputs[0].dtype(), [&]<class Element>() {                \
      using T = Compute<Element>;                                                            \
      if constexpr (!std::is_same_v<T, bool>) {                                              \
        map_elements<Element, Element>(inputs[0], inputs[1], outputs[0],                     \
                                       [](T a, T b) { return static_cast<T>(expression); }); \
      }                                                                                      \
    });                                                                                      \
  }

KERNEL(Add, kernels::add, wrapping_add(a, b))
KERNEL(Sub, kernels::subtract, wrapping_subtract(a, b))
KERNEL(Mul, kernels::multiply, wrapping_multiply(a, b))
KERNEL(Maximum, kernels::maximum, a > b ? a : b)
KERNEL(Minimum, kernels::minimum, a < b ? a : b)
FLOATING_KERNEL(Atan2, std::atan2(a, b))
NUMBER_KERNEL(Pow, power(a, b), )
NUMBER_KERNEL(Remainder, floor_remainder(a, b), refuse_zero_divisor("remainder", inputs[1]))
NUMBER_KERNEL(Fmod, truncated_remainder(a, b), refuse_zero_divisor("fmod", inputs[1]))
NUMBER_KERNEL(FloorDivide, floor_quotient(a, b), refuse_zero_divisor("floor_divide", inputs[1]))

#undef KERNEL
#undef FLOATING_KERNEL
#undef NUMBER_KERNEL

void div_cpu(const op::Div& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_floating(op.name, inputs[0].dtype(),
                    [&]<class T>() { map_blocks<T, T>(inputs[0], inputs[1], outputs[0], kernels::divide<T>); });
}

// f(element, value) with the number as what the element is computed in; for a half type that is wider than the element.
template <class F>
void map_scalar(const char* name, double value, const Tensor& x, const Tensor& y, F f) {
  dispatch_computed(name, x.dtype(), [&]<class Element>() {
    using T = Compute<Element>;
    if constexpr (!std::is_same_v<T, bool>) {
      const T number = static_cast<T>(value);
      map_elements<Element, Element>(x, y, [f, number](T a) { return f(a, number); });
    }
  });
}

#define SCALAR_KERNEL(run, Op, function, expression)                                                   \
  void run(const op::Op& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {              \
    dispatch_computed(op.name, inputs[0].dtype(), [&]<class T>() {                                     \
      if constexpr (std::is_integral_v<T>) {                                                           \
        const T b = static_cast<T>(op.value);                                                          \
        map_elements<T, T>(inputs[0], outputs[0], [b](T a) { return static_cast<T>(expression); });    \
      } else {                                                                                         \
        map_blocks<T, T>(inputs[0], outputs[0],                                                        \
                         [b = op.value](const T* a, T* y, int64_t size) { function(a, b, y, size); }); \
      }                                                                                                \
    });                                                                                                \
  }

SCALAR_KERNEL(add_scalar_cpu, AddScalar, kernels::add_scalar, wrapping_add(a, b))
SCALAR_KERNEL(mul_scalar_cpu, MulScalar, kernels::multiply_scalar, wrapping_multiply(a, b))

#undef SCALAR_KERNEL

void div_scalar_cpu(const op::DivScalar& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_floating(op.name, inputs[0].dtype(), [&]<class Element>() {
    using T = Compute<Element>;
    const T number = static_cast<T>(op.value);
    map_elements<Element, Element>(inputs[0], outputs[0], [number](T a) { return a / number; });
  });
}

// The common powers are products and roots, which are faster and as exact.
void pow_scalar_cpu(const op::PowScalar& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const auto map = [&](auto f) { map_scalar(op.name, op.value, inputs[0], outputs[0], f); };
  if (op.value == 2) return map([](auto a, auto) { return wrapping_multiply(a, a); });
  if (op.value == 3) return map([](auto a, auto) { return wrapping_multiply(wrapping_multiply(a, a), a); });
  if (op.value == -1) return map([](auto a, auto b) { return std::is_integral_v<decltype(a)> ? b : 1 / a; });
  map([](auto a, auto b) { return power(a, b); });
}

void clamp_cpu(const op::Clamp& op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  dispatch_computed(op.name, inputs[0].dtype(), [&]<class Element>() {
    using T = Compute<Element>;
    const bool has_min = op.min.has_value(), has_max = op.max.has_value();
    const T min = static_cast<T>(op.min.value_or(0)), max = static_cast<T>(op.max.value_or(0));
    // Written so that NaN stays.
    map_elements<Element, Element>(inputs[0], outputs[0], [=](T a) {
      const T raised = has_min && a < min ? min : a;
      return has_max && raised > max ? max : raised;
    });
  });
}

}  // namespace

void register_binary_cpu(KernelTable& table) {
  table.add<op::Add, Add_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Sub, Sub_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Mul, Mul_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Div, div_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::Pow, Pow_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Maximum, Maximum_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Minimum, Minimum_cpu>(Device::kCPU, kComputedDTypes);
  table.add<op::Remainder, Remainder_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Fmod, Fmod_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::FloorDivide, FloorDivide_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Atan2, Atan2_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::AddScalar, add_scalar_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::MulScalar, mul_scalar_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::DivScalar, div_scalar_cpu>(Device::kCPU, kFloatingDTypes);
  table.add<op::PowScalar, pow_scalar_cpu>(Device::kCPU, kNumberDTypes);
  table.add<op::Clamp, clamp_cpu>(Device::kCPU, kNumberDTypes);
}

}  // namespace imago
