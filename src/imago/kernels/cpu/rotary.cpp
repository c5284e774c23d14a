#include "imago/kernels/cpu/rotary.h"

#include "imago/kernels/cpu/each_type.h"

namespace imago::kernels {
namespace {

// Plain loops that any compiler vectorises for the baseline: the work is a few operations for each element of memory.
template <class T>
inline void rotate_pair(accumulate_t<T> x, accumulate_t<T> y, float cos, float sin, T* first, T* second) {
  *first = T(x * cos - y * sin);
  *second = T(y * cos + x * sin);
}

}  // namespace

template <class T>
void rotary_rows(const T* input, int64_t input_stride, const float* cos, const float* sin, T* output,
                 int64_t output_stride, int64_t rows, int64_t size, RotaryPairs pairs) {
  const int64_t half = size / 2;
  for (int64_t row = 0; row < rows; ++row, input += input_stride, output += output_stride) {
    if (pairs == RotaryPairs::kHalves) {
      for (int64_t i = 0; i < half; ++i) {
        rotate_pair<T>(input[i], input[i + half], cos[i], sin[i], output + i, output + i + half);
      }
    } else {
      for (int64_t i = 0; i < half; ++i) {
        rotate_pair<T>(input[2 * i], input[2 * i + 1], cos[i], sin[i], output + 2 * i, output + 2 * i + 1);
      }
    }
  }
}

#define IMAGO_ROTARY(T)                                                                                          \
  template void rotary_rows(const T* input, int64_t input_stride, const float* cos, const float* sin, T* output, \
                            int64_t output_stride, int64_t rows, int64_t size, RotaryPairs pairs);
IMAGO_EACH_TYPE(IMAGO_ROTARY)
#undef IMAGO_ROTARY

}  // namespace imago::kernels
