#include "imago/ops/convolution_batch_norm/convolution_batch_norm.h"

#include <cmath>

#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/convolution/convolution.h"
#include "imago/ops/convolution/float_convolution.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/row_loop.h"

namespace imago {
namespace {

// What each channel is multiplied by and what is added, as (x - mean) / sqrt(var + eps) w + b in two numbers.
struct ScaleShift {
  std::vector<float> scale, shift;
};

ScaleShift scale_and_shift(const op::ConvolutionBatchNorm& op, std::span<const Tensor> inputs) {
  const std::vector<double> mean = inputs[2].to_vector<double>(), variance = inputs[3].to_vector<double>();
  const std::vector<double> weight = inputs[4].to_vector<double>(), bias = inputs[5].to_vector<double>();
  ScaleShift s;
  for (size_t i = 0; i < mean.size(); ++i) {
    const double scale = weight[i] / std::sqrt(variance[i] + op.eps);
    s.scale.push_back(static_cast<float>(scale));
    s.shift.push_back(static_cast<float>(bias[i] - mean[i] * scale));
  }
  return s;
}

// The same as the products' epilogue, over a result that is there.
void finish(const kernels::RowEpilogue& e, int64_t channels, int64_t planes, int64_t size, float* y) {
  for_rows(planes, size, [&](int64_t plane, int64_t end) {
    for (; plane < end; ++plane) {
      const float scale = e.scale[plane % channels], shift = e.shift[plane % channels];
      for (int64_t i = plane * size; i < (plane + 1) * size; ++i) {
        float value = y[i] * scale + shift;
        if (e.residual != nullptr) value += e.residual[i];
        y[i] = e.relu && value < 0 ? 0 : value;
      }
    }
  });
}

void convolution_batch_norm_cpu(const op::ConvolutionBatchNorm& op, std::span<const Tensor> inputs,
                                std::span<Tensor> outputs) {
  Tensor& y = outputs[0];
  if (y.numel() == 0) return;
  const Shape kernel = inputs[1].shape().sub(2, inputs[1].dim());
  const ConvolutionProblem p = make_convolution_problem(op, inputs[0], y, kernel);
  const ScaleShift s = scale_and_shift(op, inputs);
  const Tensor residual = inputs[6].defined() ? contiguous(inputs[6]) : inputs[6];
  const kernels::RowEpilogue epilogue = {.scale = s.scale.data(),
                                         .shift = s.shift.data(),
                                         .residual = residual.defined() ? residual.const_data<float>() : nullptr,
                                         .relu = op.relu};
  if (is_float_convolution(p)) {
    const Tensor x = contiguous(inputs[0]), weight = contiguous(inputs[1]);
    return float_convolution(p, x.const_data<float>(), weight.const_data<float>(), y.data<float>(), epilogue);
  }
  y = convolution(inputs[0], inputs[1], {}, op.stride, op.padding, op.dilation, op.groups);
  finish(epilogue, p.out, p.batch * p.out, p.geometry.output_size(), y.data<float>());
}

}  // namespace

void register_convolution_batch_norm_cpu(KernelTable& table) {
  table.add<op::ConvolutionBatchNorm, convolution_batch_norm_cpu>(Device::kCPU, {DType::f32});
}

}  // namespace imago
