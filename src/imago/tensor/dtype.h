// Element types. fp8 types are storage only: they are cast before anything is computed with them.
#pragma once

#include <cstdint>
#include <string_view>

#include "imago/kernels/cpu/half.h"

namespace imago {

enum class DType : uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean, f8_e4m3fn, f8_e5m2 };
inline constexpr int kNumDTypes = 12;

int64_t size_of(DType dtype);             // bytes of one element
std::string_view to_string(DType dtype);  // torch's name: "float32", "bfloat16", "int64", "bool", "float8_e4m3fn"

// Takes torch's names with or without "torch.", and the short forms "f32", "bf16", "fp16", ... Throws Error
// kInvalidArgument.
DType parse_dtype(std::string_view name);

bool is_floating_point(DType dtype);
bool is_integral(DType dtype);   // integers and not bool
double epsilon_of(DType dtype);  // distance from 1 to the next larger number of a floating-point type

// The element type of a C++ type, as in DTypeOf<float>::value.
template <class T>
struct DTypeOf;
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<float16> {
  static constexpr DType value = DType::f16;
};
template <>
struct DTypeOf<bfloat16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<int16_t> {
  static constexpr DType value = DType::i16;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <>
struct DTypeOf<float8_e4m3fn> {
  static constexpr DType value = DType::f8_e4m3fn;
};
template <>
struct DTypeOf<float8_e5m2> {
  static constexpr DType value = DType::f8_e5m2;
};

}  // namespace imago
