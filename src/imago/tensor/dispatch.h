// From a dtype to a C++ type. Included by kernels' dispatch files (_cpu.cpp, _cuda.cu) only.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "imago/base/error.h"
#include "imago/tensor/dtype.h"

namespace imago {

// The value as T, with C++ conversion rules; from a half or fp8 type through float.
template <class T, class From>
T convert_scalar(From value) {
  if constexpr (std::is_same_v<T, From>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    return static_cast<double>(value) != 0;
  } else if constexpr (std::is_arithmetic_v<T> && std::is_arithmetic_v<From>) {
    return static_cast<T>(value);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<T>(static_cast<float>(value));
  } else {
    return T(static_cast<float>(value));
  }
}

[[noreturn]] inline void throw_unsupported_dtype(const char* where, DType dtype) {
  throw Error(ErrorKind::kUnsupported, where, std::string(to_string(dtype)) + " is not computed with",
              "cast to float32");
}

// Calls visit.template operator()<T>() with the C++ type of `dtype`.
template <class Visit>
decltype(auto) dispatch_all(DType dtype, Visit&& visit) {
  switch (dtype) {
    case DType::f64: return visit.template operator()<double>();
    case DType::f32: return visit.template operator()<float>();
    case DType::f16: return visit.template operator()<float16>();
    case DType::bf16: return visit.template operator()<bfloat16>();
    case DType::i64: return visit.template operator()<int64_t>();
    case DType::i32: return visit.template operator()<int32_t>();
    case DType::i16: return visit.template operator()<int16_t>();
    case DType::i8: return visit.template operator()<int8_t>();
    case DType::u8: return visit.template operator()<uint8_t>();
    case DType::boolean: return visit.template operator()<bool>();
    case DType::f8_e4m3fn: return visit.template operator()<float8_e4m3fn>();
    case DType::f8_e5m2: return visit.template operator()<float8_e5m2>();
  }
  throw_unsupported_dtype("dispatch", dtype);
}

// The floating-point types that are computed with: f64, f32, f16, bf16. Throws Error kUnsupported for others.
template <class Visit>
decltype(auto) dispatch_floating(const char* where, DType dtype, Visit&& visit) {
  switch (dtype) {
    case DType::f64: return visit.template operator()<double>();
    case DType::f32: return visit.template operator()<float>();
    case DType::f16: return visit.template operator()<float16>();
    case DType::bf16: return visit.template operator()<bfloat16>();
    default: throw_unsupported_dtype(where, dtype);
  }
}

// Those, the integers and bool: everything but fp8. Throws Error kUnsupported for others.
template <class Visit>
decltype(auto) dispatch_computed(const char* where, DType dtype, Visit&& visit) {
  if (dtype == DType::f8_e4m3fn || dtype == DType::f8_e5m2) throw_unsupported_dtype(where, dtype);
  switch (dtype) {
    case DType::i64: return visit.template operator()<int64_t>();
    case DType::i32: return visit.template operator()<int32_t>();
    case DType::i16: return visit.template operator()<int16_t>();
    case DType::i8: return visit.template operator()<int8_t>();
    case DType::u8: return visit.template operator()<uint8_t>();
    case DType::boolean: return visit.template operator()<bool>();
    default: return dispatch_floating(where, dtype, visit);
  }
}

// i64 and i32, for indices. Throws Error kUnsupported for others.
template <class Visit>
decltype(auto) dispatch_index(const char* where, DType dtype, Visit&& visit) {
  if (dtype == DType::i64) return visit.template operator()<int64_t>();
  if (dtype == DType::i32) return visit.template operator()<int32_t>();
  throw Error(ErrorKind::kInvalidArgument, where,
              "indices must be int64 or int32, not " + std::string(to_string(dtype)));
}

// What a kernel accumulates in: double for double, float for the other floating-point types, int64 for integers.
template <class T>
using Accumulator =
    std::conditional_t<std::is_same_v<T, double>, double, std::conditional_t<std::is_integral_v<T>, int64_t, float>>;

}  // namespace imago
