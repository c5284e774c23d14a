#include "imago/kernels/cpu/convert.h"

#include <cstring>

#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/kernels/cpu/convert.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/kernels/cpu/load_store-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels::HWY_NAMESPACE {

template <class Input, class Output>
void convert_array(const Input* input, Output* output, int64_t size) {
  const Simd<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) store(load(d, input + i), d, output + i);
  if (i < size) {
    const size_t rest = static_cast<size_t>(size - i);
    store_some(load_some(d, input + i, rest), d, output + i, rest);
  }
}

void from_bfloat16(const bfloat16* input, float* output, int64_t size) { convert_array(input, output, size); }
void from_float16(const float16* input, float* output, int64_t size) { convert_array(input, output, size); }
void to_bfloat16(const float* input, bfloat16* output, int64_t size) { convert_array(input, output, size); }
void to_float16(const float* input, float16* output, int64_t size) { convert_array(input, output, size); }

}  // namespace imago::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::kernels {
namespace {

HWY_EXPORT(from_bfloat16);
HWY_EXPORT(from_float16);
HWY_EXPORT(to_bfloat16);
HWY_EXPORT(to_float16);

// There are only 256 of them.
template <class Float8>
struct Float8Table {
  float values[256];
  constexpr Float8Table() : values{} {
    for (int i = 0; i < 256; ++i) values[i] = Float8::from_bits(static_cast<uint8_t>(i));
  }
};

template <class Float8>
void look_up(const Float8* input, float* output, int64_t size) {
  static constexpr Float8Table<Float8> kTable;
  for (int64_t i = 0; i < size; ++i) output[i] = kTable.values[input[i].bits];
}

}  // namespace

void convert(const bfloat16* input, float* output, int64_t size) {
  HWY_DYNAMIC_DISPATCH(from_bfloat16)(input, output, size);
}
void convert(const float16* input, float* output, int64_t size) {
  HWY_DYNAMIC_DISPATCH(from_float16)(input, output, size);
}
void convert(const float* input, bfloat16* output, int64_t size) {
  HWY_DYNAMIC_DISPATCH(to_bfloat16)(input, output, size);
}
void convert(const float* input, float16* output, int64_t size) {
  HWY_DYNAMIC_DISPATCH(to_float16)(input, output, size);
}
void convert(const float8_e4m3fn* input, float* output, int64_t size) { look_up(input, output, size); }
void convert(const float8_e5m2* input, float* output, int64_t size) { look_up(input, output, size); }
void convert(const float* input, float8_e4m3fn* output, int64_t size) {
  for (int64_t i = 0; i < size; ++i) output[i] = float8_e4m3fn(input[i]);
}
void convert(const float* input, float8_e5m2* output, int64_t size) {
  for (int64_t i = 0; i < size; ++i) output[i] = float8_e5m2(input[i]);
}
void convert(const float* input, float* output, int64_t size) {
  if (size > 0) std::memcpy(output, input, static_cast<size_t>(size) * sizeof(float));
}

}  // namespace imago::kernels
#endif
