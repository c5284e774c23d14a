// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/layer_norm/layer_norm.h"

#include <gtest/gtest.h>

#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

TEST(LayerNorm, IsTorchs) {
  const Tensor x = sample_values({2, 3, 4}), weight = sample_values({3, 4}, 0.5, 1.5, 2);
  const Tensor bias = sample_values({3, 4}, -1, 1, 3);
  expect_tensor(
      layer_norm(x, {3, 4}, weight, bias), {2, 3, 4},
      {-0.790726383470212,   1.6648636865428657,   -0.3734156026977696,  -0.9489704285919895, 1.524202899599622,
       -2.0858381659159604,  0.1586632940118708,   0.6280256309952874,   0.29244956165226615, 1.3691670369501294,
       2.358444622672999,    -0.8200163999832722,  -0.35666285493600736, 2.291475531513068,   1.1415352059121218,
       -0.24525499630268577, -0.27054513020375787, -1.9726584576546242,  0.1434507682331976,  1.2181897122919094,
       1.5201338221477498,   -1.5030438687285332,  0.004831417003179726, -2.339460126954743});
  expect_tensor(
      layer_norm(x, {4}, {}, {}, 1e-3), {2, 3, 4},
      {-0.4143062380073407, 1.721626253486021,   -0.6755993864084501,  -0.6317206290702304, 0.7050599499194248,
       -1.444194473713711,  1.1249650119478405,  -0.3858304881535544,  -1.0727929738343331, 0.9479763732274408,
       1.0471353615665344,  -0.9223187609596419, -1.2364357145338998,  1.3086863491579197,  0.5734804730219746,
       -0.6457311076459944, -0.371031430669497,  -1.3879879944837614,  1.318613375309736,   0.4404060498435228,
       1.6469344887725876,  -0.3348962282663467, -0.26071512120288753, -1.0513231393033533});
}

// The variance of numbers far from zero is not lost.
TEST(LayerNorm, FarFromZero) {
  const Tensor x = sample_values({4}, 1000 - 2e-3, 1000 + 2e-3);
  expect_tensor(layer_norm(x, {4}), {4},
                {-0.08616892479884465, 0.3580701170105036, -0.1405136282373824, -0.13138756400944313}, 1e-9);
}

TEST(LayerNorm, NamesWhatDoesNotFit) {
  expect_error(ErrorKind::kInvalidArgument, "x [2, 3] does not end in [2]", [] {
    layer_norm(Tensor::ones({2, 3}), {2});
  });
}

}  // namespace
}  // namespace imago
