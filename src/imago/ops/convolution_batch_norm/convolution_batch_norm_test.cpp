#include "imago/ops/convolution_batch_norm/convolution_batch_norm.h"

#include <gtest/gtest.h>

#include <limits>

#include "imago/ops/cast/cast.h"
#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

Tensors inputs_of(const Shape& x, const Shape& weight) {
  const Shape channels = {weight[0]};
  return {sample_values(x),
          sample_values(weight, -2, 2, 2),
          sample_values(channels, -1, 1, 3),
          sample_values(channels, 0.5, 2, 4),
          sample_values(channels, 0.5, 1.5, 5),
          sample_values(channels, -1, 1, 6)};
}

Tensor run(const Tensors& in, const Tensor& residual, bool relu) {
  return convolution_batch_norm(in[0], in[1], in[2], in[3], in[4], in[5], 1e-5, residual, relu, {1}, {1});
}

Tensors narrowed(Tensors tensors) {
  for (Tensor& t : tensors) t = cast(t, DType::f32);
  return tensors;
}

TEST(ConvolutionBatchNorm, LargeInFloatIsThatOfDouble) {
  for (const int64_t channels : {9, 90}) {  // of one block of depth, and of two
    const Tensors wide = inputs_of({2, channels, 15, 21}, {33, channels, 3, 3}), narrow = narrowed(wide);
    const Tensor residual = sample_values({2, 33, 15, 21}, -20, 20, 7);
    for (const bool relu : {false, true}) {
      const Tensor expected = run(wide, residual, relu), plain = run(wide, {}, relu);
      expect_tensor(run(narrow, cast(residual, DType::f32), relu), expected.shape(), expected.to_vector<double>(),
                    5e-7);
      expect_tensor(run(narrow, {}, relu), plain.shape(), plain.to_vector<double>(), 5e-7);
    }
  }
}

TEST(ConvolutionBatchNorm, KeepsNaN) {
  for (const int64_t size : {3, 60}) {
    Tensors in = narrowed(inputs_of({1, 4, size, size}, {8, 4, 3, 3}));
    in[0].data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_TRUE(std::isnan(run(in, {}, true).to_vector<double>()[0]));
  }
}

TEST(ConvolutionBatchNorm, NamesWhatDoesNotFit) {
  Tensors in = inputs_of({1, 3, 5, 5}, {4, 3, 3, 3});
  expect_error(ErrorKind::kInvalidArgument, "residual", [&] { run(in, Tensor::ones({4, 5, 5}, DType::f64), false); });
  in[3] = Tensor::ones({3}, DType::f64);
  expect_error(ErrorKind::kInvalidArgument, "running_var", [&] { run(in, {}, false); });
}

}  // namespace
}  // namespace imago
