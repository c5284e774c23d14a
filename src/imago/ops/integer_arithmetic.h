// Arithmetic on numbers of any type in which integers wrap around, as torch's do; plain C++ leaves signed overflow
// undefined. Floating-point numbers are computed as usual, and so are bools (add is or, multiply is and).
#pragma once

#include <type_traits>

namespace imago {

namespace internal {

// Wide enough that small types are not promoted to a signed int, whose products overflow.
template <class T>
using Wrapping = std::make_unsigned_t<std::common_type_t<T, int>>;

}  // namespace internal

template <class T>
T wrapping_add(T a, T b) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    return static_cast<T>(static_cast<internal::Wrapping<T>>(a) + static_cast<internal::Wrapping<T>>(b));
  } else {
    return static_cast<T>(a + b);
  }
}

template <class T>
T wrapping_subtract(T a, T b) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    return static_cast<T>(static_cast<internal::Wrapping<T>>(a) - static_cast<internal::Wrapping<T>>(b));
  } else {
    return static_cast<T>(a - b);
  }
}

template <class T>
T wrapping_multiply(T a, T b) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    return static_cast<T>(static_cast<internal::Wrapping<T>>(a) * static_cast<internal::Wrapping<T>>(b));
  } else {
    return static_cast<T>(a * b);
  }
}

}  // namespace imago
