#include "imago/ops/convolution/float_convolution.h"

namespace imago {

bool is_float_convolution(const ConvolutionProblem& p) {
  constexpr int64_t kMinOperations = (int64_t{1} << 17) + 1;
  return !p.is_depthwise() && p.geometry.input_size() <= kernels::kMaxConvolutionInput && p.rows() > 0 &&
         p.group_out() * p.geometry.output_size() >= (kMinOperations + p.rows() - 1) / p.rows();
}

void float_convolution(const ConvolutionProblem& p, const float* x, const float* weight, float* y,
                       const kernels::RowEpilogue& epilogue) {
  const auto at = [](const float* values, int64_t offset) { return values == nullptr ? nullptr : values + offset; };
  for (int64_t i = 0; i < p.batch * p.groups; ++i) {
    const int64_t channel = i % p.groups * p.group_out(), offset = i * p.group_out() * p.geometry.output_size();
    kernels::convolve({.geometry = p.geometry,
                       .in = p.group_in(),
                       .out = p.group_out(),
                       .x = x + i * p.group_in() * p.geometry.input_size(),
                       .weight = weight + channel * p.rows(),
                       .y = y + offset,
                       .epilogue = {.scale = at(epilogue.scale, channel),
                                    .shift = at(epilogue.shift, channel),
                                    .residual = at(epilogue.residual, offset),
                                    .relu = epilogue.relu}});
  }
}

}  // namespace imago
