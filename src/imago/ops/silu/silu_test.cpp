// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/silu/silu.h"

#include <gtest/gtest.h>

#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

TEST(Silu, IsTorchs) {
  const Tensor x = Tensor::from<double>({-40, -8, -1, 0, 0.5, 8, 40});
  expect_tensor(silu(x), {7},
                {-1.6993417021166355e-16, -0.002682801043731825, -0.2689414213699951, 0, 0.3112296656009273,
                 7.997317198956269, 4e+01});
}

TEST(Silu, RefusesIntegers) {
  expect_error(ErrorKind::kInvalidArgument, "not floating point", [] { silu(Tensor::ones({2}, DType::i64)); });
}

}  // namespace
}  // namespace imago
