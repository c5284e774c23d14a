// Expected values are torch's, in float64 unless a test says otherwise.
#include "imago/ops/convolution/convolution.h"

#include <gtest/gtest.h>

#include "imago/ops/cast/cast.h"
#include "imago/ops/expect.h"
#include "imago/ops/op_table.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

TEST(Convolution, IsTorchsConv1d) {
  const Tensor x = sample_values({1, 2, 5}), weight = sample_values({3, 2, 3}, -2, 2, 2);
  const Tensor bias = sample_values({3}, -2, 2, 3);
  expect_tensor(convolution(x, weight, bias), {1, 3, 3},
                {6.094589651753439, -3.733557813546424, -3.368097316065377, 1.2011569265606301, 2.941739076574183,
                 3.6076614190431924, 1.3653909513052043, 3.542380970189719, -2.6997752591302944});
  expect_tensor(convolution(x, weight, {}, {2}, {2}, {2}), {1, 3, 3},
                {-2.9920977833580022, -1.0473246037541282, 5.437109995446633, 0.9880846070747092, 0.166381828229905,
                 0.4384081266943365, 0.2989111080042415, -5.071482353115161, 1.1649898507225465});
}

TEST(Convolution, IsTorchsConv2d) {
  const Tensor x = sample_values({1, 4, 3, 4}), weight = sample_values({4, 2, 2, 3}, -2, 2, 2);
  const Tensor bias = sample_values({4}, -2, 2, 3);
  expect_tensor(convolution(x, weight, bias, {2, 1}, {0, 1}, {1, 2}, 2), {1, 4, 1, 2},
                {-3.081763166083988, -0.14342272302544923, 3.5224988166119506, 4.539125534909578, 0.7779313129443892,
                 -0.9980071574162165, -0.6929108153540896, 2.8700994487427485});
}

TEST(Convolution, Depthwise) {
  const Tensor x = sample_values({1, 4, 3, 4}), weight = sample_values({4, 1, 2, 2}, -2, 2, 2);
  expect_tensor(
      convolution(x, weight, {}, {2}, {1}, {1}, 4), {1, 4, 2, 3},
      {0.5477600576556897,  0.5425534580845327,   0.13569488606764235, 2.086326111237178,    1.01681649755295,
       0.2191885253582592,  0.024608863273945666, -3.594391681325675,  -0.5741572826643836,  -1.5021160770932263,
       -2.014268881530299,  4.359482604856183,    1.1273719186080873,  1.5868809552437533,   -0.5563072931340945,
       1.0660367451215746,  0.643517113781424,    -2.231740620964921,  0.010891512440732179, 0.565425389947244,
       -1.6957850971590838, 3.212176908563116,    3.7411944024720545,  -1.5792497102202032});
  expect_tensor(
      convolution_transpose(x, weight, {}, {1}, {1}, {0}, 4), {1, 4, 2, 3},
      {3.0973588554894524,  -4.242344065487415,  3.232025520620918,   -3.095137193667469,   2.0283436643162274,
       0.9681933206966034,  -5.012757575749874,  1.036466301721695,   -1.9570048918889276,  -0.07197012452572293,
       -2.0127966435447133, -5.170122150218955,  4.509079149766276,   3.0963932685058335,   -3.9544600779317225,
       -0.9510285609037836, -1.6635279863683818, -2.9886654618405117, -0.08258778185296432, -1.5158873360803424,
       0.7810433756856505,  3.6105593491235335,  -4.2563754228360615, 1.5548518615932014});
}

TEST(Convolution, IsTorchsConv3d) {
  const Tensor x = sample_values({1, 1, 2, 3, 3}), weight = sample_values({2, 1, 2, 2, 2}, -2, 2, 2);
  expect_tensor(convolution(x, weight), {1, 2, 1, 2, 2},
                {0.6765737523079602, -0.2621499921425563, 0.3167628708160447, 1.426918697081989, 7.930523261463183,
                 -5.104735096309431, 3.513552615973728, -4.439689195129784});
}

// Large ones in float have a kernel of their own, which gathers its input as it goes.
TEST(Convolution, LargeInFloatIsThatOfDouble) {
  struct Case {
    Shape x, weight, stride, padding, dilation;
    int64_t groups;
  };
  const std::vector<Case> cases = {
      {{2, 13, 19, 37}, {27, 13, 3, 3}, {1, 1}, {1, 1}, {1, 1}, 1},     // rows shorter and longer than vectors
      {{1, 20, 17, 150}, {30, 20, 3, 3}, {2, 2}, {1, 1}, {1, 1}, 1},    // every other input
      {{1, 3, 64, 66}, {24, 3, 7, 7}, {2, 2}, {3, 3}, {1, 1}, 1},       // a stem
      {{1, 3, 64, 64}, {100, 3, 16, 16}, {16, 16}, {0, 0}, {1, 1}, 1},  // patches
      {{1, 16, 33, 20}, {32, 8, 3, 2}, {1, 2}, {4, 0}, {3, 2}, 2},    // groups, dilated, padding wider than the kernel
      {{1, 600, 9, 31}, {14, 600, 1, 1}, {1, 1}, {0, 0}, {1, 1}, 1},  // pointwise, more than a block deep
      {{2, 40, 16, 30}, {50, 40, 1, 1}, {2, 2}, {0, 0}, {1, 1}, 1},   // pointwise, strided
      {{2, 30, 500}, {40, 30, 5}, {1}, {2}, {1}, 1},                  // one dimension
      {{1, 12, 5, 12, 13}, {20, 12, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 1},
  };
  for (const Case& c : cases) {
    const Tensor x = sample_values(c.x), weight = sample_values(c.weight, -2, 2, 2);
    const Tensor bias = sample_values({c.weight[0]}, -2, 2, 3);
    const Tensor expected = convolution(x, weight, bias, c.stride, c.padding, c.dilation, c.groups);
    const auto narrow = [](const Tensor& t) { return cast(t, DType::f32); };
    const Tensor y = convolution(narrow(x), narrow(weight), narrow(bias), c.stride, c.padding, c.dilation, c.groups);
    expect_tensor(y, expected.shape(), expected.to_vector<double>(), 1e-6);
  }
}

TEST(ConvolutionTranspose, IsTorchs) {
  const Tensor x = sample_values({1, 2, 3}), weight = sample_values({2, 3, 3}, -2, 2, 2);
  const Tensor bias = sample_values({3}, -2, 2, 3);
  expect_tensor(convolution_transpose(x, weight, bias, {2}, {1}, {1}), {1, 3, 6},
                {-1.348464757031345, -0.6746757526100711, 1.1121562894101629, -0.3221103756868966, -1.8245650232392652,
                 -2.46003509421533, -0.009884167563417146, 2.3428106818507652, 4.637494360646923, -0.7019905289857342,
                 -1.2517286224707154, 4.480436528437739, 1.239542909311258, 1.595926073670766, 0.12757945910148116,
                 -1.7505131639895661, 1.2803971264829817, 2.544987288218972});
}

TEST(ConvolutionTranspose, IsTorchsWithGroups) {
  const Tensor x = sample_values({1, 4, 2, 2}), weight = sample_values({4, 1, 2, 3}, -2, 2, 2);
  expect_tensor(
      convolution_transpose(x, weight, {}, {2}, {0}, {0}, 2), {1, 2, 4, 5},
      {-1.7110778808457898,  -1.7660643414409447,  -0.014568737982480817, 2.677335863190015,    2.379066109615453,
       1.9961559849432282,   -0.5602901090774872,  -0.7824237165342787,   1.29523354251242,     -2.988834916719846,
       -2.507013114668213,   -2.4929301373148567,  -1.9174973243420679,   -0.6891701494134465,  0.44711584654523234,
       2.83509385920396,     -0.7313129834917713,  3.500598083004832,     -1.2160819878264524,  0.34260008181344925,
       -0.12800105289931268, -0.5982266353683279,  0.3400223389779131,    3.3252093599375225,   -5.110373680712797,
       -0.6345989462035913,  -0.10249460537437119, 2.881361875465543,     1.4648874719892393,   0.5265995339838047,
       -0.16158333518811396, 3.052498597758854,    -4.876703889534719,    -0.08906776623762297, -0.009626899642061093,
       2.6951035403560892,   1.1337733443300277,   -0.12680557174987772,  0.20453921182773183,  0.3560341196117233});
}

// More positions than one tile holds.
TEST(Convolution, LongInputs) {
  const Tensor x = sample_values({1, 3, 70000}), weight = sample_values({5, 3, 7}, -2, 2, 2);
  const Tensor y = convolution(x, weight, {}, {1}, {3});
  EXPECT_EQ(y.shape().to_string(), "[1, 5, 70000]");
  const std::vector<double> expected = {2.3220909113390285, -2.2563844039366536, -2.4521241980602246,
                                        -2.617145950479595, 15.91391407446795,   -10.411331080518154,
                                        7.048858707135947};
  const std::vector<int64_t> positions = {0, 1, 31000, 49931, 49932, 69998, 69999};
  for (size_t i = 0; i < positions.size(); ++i) {
    EXPECT_NEAR(select(select(select(y, 2, positions[i]), 1, 4), 0, 0).item<double>(), expected[i], 1e-13);
  }
}

TEST(Convolution, NamesWhatDoesNotFit) {
  expect_error(ErrorKind::kInvalidArgument, "x [1, 3, 5] does not meet weight [4, 2, 3]", [] {
    convolution(Tensor::ones({1, 3, 5}), Tensor::ones({4, 2, 3}));
  });
  expect_error(ErrorKind::kInvalidArgument, "larger kernel", [] {
    convolution(Tensor::ones({1, 2, 2}), Tensor::ones({4, 2, 3}));
  });
  expect_error(ErrorKind::kInvalidArgument, "stride [0]", [] {
    convolution(Tensor::ones({1, 2, 5}), Tensor::ones({4, 2, 3}), {}, {0});
  });
  expect_error(ErrorKind::kInvalidArgument, "bias is float32 [3]", [] {
    convolution(Tensor::ones({1, 2, 5}), Tensor::ones({4, 2, 3}), Tensor::ones({3}));
  });
  expect_error(ErrorKind::kInvalidArgument, "0 groups", [] {
    convolution(Tensor::ones({1, 2, 5}), Tensor::ones({4, 2, 3}), {}, {1}, {0}, {1}, 0);
  });
  expect_error(ErrorKind::kInvalidArgument, "smaller than stride or dilation", [] {
    convolution_transpose(Tensor::ones({1, 4, 5}), Tensor::ones({4, 2, 3}), {}, {2}, {0}, {2});
  });
}

}  // namespace
}  // namespace imago
