// Which input a tap of a convolution's kernel meets at which output position: the one walk that all of a convolution's
// computations are made of.
#pragma once

#include <algorithm>
#include <cstdint>

#include "imago/kernels/cpu/convolution.h"
#include "imago/tensor/tensor.h"

namespace imago {

using kernels::ConvolutionGeometry;

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

// A whole convolution: pictures of `in` channels give pictures of `out`, each in as many groups.
struct ConvolutionProblem {
  ConvolutionGeometry geometry;
  int64_t batch, in, out, groups;

  int64_t group_in() const { return in / groups; }
  int64_t group_out() const { return out / groups; }
  int64_t rows() const { return group_in() * geometry.taps(); }  // that meet one position of one group
  bool is_depthwise() const { return group_in() == 1 && group_out() == 1; }
};

template <class Op>
ConvolutionProblem make_convolution_problem(const Op& op, const Tensor& x, const Tensor& y, const Shape& kernel) {
  const auto spatial = [](const Tensor& t) { return t.shape().sub(2, t.dim()); };
  return {make_geometry(op, spatial(x), spatial(y), kernel), x.size(0), x.size(1), y.size(1), op.groups};
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
