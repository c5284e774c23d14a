// Which input a tap of a convolution's kernel meets at which output position: the one walk that all of a convolution's
// computations are made of.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "imago/tensor/shape.h"

namespace imago {

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

template <class Op>
ConvolutionGeometry make_geometry(const Op& op, const Shape& input, const Shape& output, const Shape& kernel) {
  ConvolutionGeometry g;
  const size_t lead = 3 - static_cast<size_t>(kernel.size());
  for (int d = 0; d < kernel.size(); ++d) {
    const size_t i = lead + static_cast<size_t>(d);
    g.input[i] = input[d];
    g.output[i] = output[d];
    g.kernel[i] = kernel[d];
    g.stride[i] = op.stride[d];
    g.padding[i] = op.padding[d];
    g.dilation[i] = op.dilation[d];
  }
  return g;
}

namespace internal {

// The first output position along dimension d whose input lies at or behind `bound`, at most the output's size.
inline int64_t first_position(const ConvolutionGeometry& g, size_t d, int64_t shift, int64_t bound) {
  const int64_t distance = bound - shift;
  return distance <= 0 ? 0 : std::min((distance + g.stride[d] - 1) / g.stride[d], g.output[d]);
}

}  // namespace internal

// Calls visit(position, count, input) for runs that cover the output positions [begin, end) once. The tap meets the
// inputs input, input + stride[2], ..., or the padding where `input` is -1.
template <class Visit>
void walk_tap(const ConvolutionGeometry& g, int64_t tap, int64_t begin, int64_t end, Visit visit) {
  const ConvolutionGeometry::Sizes taps{tap / (g.kernel[1] * g.kernel[2]), tap / g.kernel[2] % g.kernel[1],
                                        tap % g.kernel[2]};
  ConvolutionGeometry::Sizes shift;  // from an output position times stride to the input
  for (size_t d = 0; d < 3; ++d) shift[d] = taps[d] * g.dilation[d] - g.padding[d];
  const int64_t width = g.output[2];
  const int64_t first = internal::first_position(g, 2, shift[2], 0);
  const int64_t last = internal::first_position(g, 2, shift[2], g.input[2]);
  for (int64_t row = begin / width; row * width < end; ++row) {
    const int64_t start = row * width;
    const int64_t low = std::max(begin, start), high = std::min(end, start + width);
    const int64_t i0 = row / g.output[1] * g.stride[0] + shift[0], i1 = row % g.output[1] * g.stride[1] + shift[1];
    if (i0 < 0 || i0 >= g.input[0] || i1 < 0 || i1 >= g.input[1]) {
      visit(low, high - low, int64_t{-1});
      continue;
    }
    const int64_t from = std::clamp(start + first, low, high), to = std::clamp(start + last, from, high);
    if (from > low) visit(low, from - low, int64_t{-1});
    if (to > from) {
      const int64_t input = (i0 * g.input[1] + i1) * g.input[2] + (from - start) * g.stride[2] + shift[2];
      visit(from, to - from, input);
    }
    if (high > to) visit(to, high - to, int64_t{-1});
  }
}

}  // namespace imago
