// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/softmax/softmax.h"

#include <gtest/gtest.h>

#include <limits>

#include "imago/ops/cast/cast.h"
#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

TEST(Softmax, ExtremeRowsAreTorchs) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = Tensor::from<double>({-kInfinity, -kInfinity, -kInfinity, 1, 1e4, -1e4}, {3, 2});
  expect_tensor(softmax(x, -1), {3, 2}, {kNaN, kNaN, 0, 1, 1, 0});
  expect_tensor(log_softmax(x, -1), {3, 2}, {kNaN, kNaN, -kInfinity, 0, 0, -2e+04});
  expect_tensor(softmax(cast(x, DType::f32), -1), {3, 2}, {kNaN, kNaN, 0, 1, 1, 0});
}

TEST(Softmax, AlongTheMiddle) {
  const Tensor x = sample_values({2, 3, 2});
  expect_tensor(softmax(x, 1), {2, 3, 2},
                {0.14450348973772686, 0.7708265920663414, 0.12122124581707676, 0.15840228745960686, 0.7342752644451965,
                 0.07077112047405167, 0.4280880206809555, 0.11715330470180625, 0.05039195965601481, 0.7831977129633896,
                 0.5215200196630297, 0.09964898233480424});
  expect_tensor(log_softmax(x, -2), {2, 3, 2},
                {-1.9344516212871712, -0.26029184372935693, -2.110137925188952, -1.8426173586732106,
                 -0.3088713009898215, -2.6483042644063595, -0.8484264487479697, -2.1442719052771952, -2.987923647265806,
                 -0.24437010788834618, -0.6510076166625448, -2.3061014447708215});
  EXPECT_EQ(softmax(cast(x, DType::bf16), 1, DType::f32).dtype(), DType::f32);
}

TEST(Softmax, NamesWhatDoesNotFit) {
  expect_error(ErrorKind::kInvalidArgument, "softmax", [] { softmax(Tensor::ones({2}), 1); });
  expect_error(ErrorKind::kInvalidArgument, "not floating point", [] { softmax(Tensor::ones({2}, DType::i64), 0); });
}

}  // namespace
}  // namespace imago
