// Convolution as a matrix product whose right matrix, the inputs that each output position meets, is never stored: its
// blocks are gathered into the order that the product reads ("implicit GEMM").
#pragma once

#include <array>
#include <cstdint>

#include "imago/kernels/cpu/gemm.h"

namespace imago::kernels {

// Always three spatial dimensions; missing ones come first with size 1.
struct ConvolutionGeometry {
  using Sizes = std::array<int64_t, 3>;
  Sizes input{1, 1, 1}, output{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, padding{0, 0, 0}, dilation{1, 1, 1};

  int64_t input_size() const { return input[0] * input[1] * input[2]; }
  int64_t output_size() const { return output[0] * output[1] * output[2]; }
  int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  // Whether input and output positions are the same, so that nothing needs to be gathered.
  bool is_pointwise() const {
    return taps() == 1 && input == output && stride == Sizes{1, 1, 1} && padding == Sizes{0, 0, 0};
  }
};

// The most positions a picture may have for `convolve`.
inline constexpr int64_t kMaxConvolutionInput = int64_t{1} << 30;

// y [out, positions] of one picture x [in, positions] and weight [out, in, taps], on all threads of the pool.
struct Convolution {
  ConvolutionGeometry geometry;
  int64_t in = 0, out = 0;
  const float* x = nullptr;
  const float* weight = nullptr;
  float* y = nullptr;
  RowEpilogue epilogue;
};
void convolve(const Convolution& convolution);

}  // namespace imago::kernels
