// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/gelu/gelu.h"

#include <gtest/gtest.h>

#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

TEST(Gelu, IsTorchs) {
  const Tensor x = Tensor::from<double>({-40, -8, -1, 0, 0.5, 8, 40});
  expect_tensor(gelu(x), {7},
                {-0, -4.884981308350689e-15, -0.15865525393145702, 0, 0.34573123063700656, 7.999999999999995, 4e+01});
  expect_tensor(gelu(x, "tanh"), {7}, {-0, -0, -0.15880800939172324, 0, 0.34571400982514394, 8, 4e+01});
}

TEST(Gelu, RefusesOtherApproximations) {
  expect_error(ErrorKind::kInvalidArgument, "approximate is \"fast\"", [] { gelu(Tensor::ones({2}), "fast"); });
}

}  // namespace
}  // namespace imago
