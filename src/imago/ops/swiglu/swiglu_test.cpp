// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/swiglu/swiglu.h"

#include <gtest/gtest.h>

#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

TEST(Swiglu, IsSiluTimesUp) {
  const Tensor x = Tensor::from<double>({-40, -8, -1, 0, 0.5, 8, 40});
  expect_tensor(swiglu(x, x), {7},
                {6.797366808466542e-15, 0.0214624083498546, 0.2689414213699951, 0, 0.15561483280046365,
                 63.97853759165015, 1.6e+03});
}

TEST(Swiglu, NamesWhatDoesNotFit) {
  expect_error(ErrorKind::kInvalidArgument, "up is float32 [3] on cpu, not of shape [2]",
               [] { swiglu(Tensor::ones({2}), Tensor::ones({3})); });
}

}  // namespace
}  // namespace imago
