#include "imago/nn/sinusoidal_positions.h"

#include <gtest/gtest.h>

#include <vector>

namespace imago::nn {
namespace {

// What the reference's tables (of Marian, and of M2M-100) have for position 5 and a size of 7.
TEST(SinusoidalPositionsTest, BothKindsAreTheReferences) {
  const std::vector<float> paper = {-0.9589242935180664f,   0.3521271347999573f,  0.02589447796344757f,
                                    0.0018637957982718945f, 0.28366219997406006f, 0.9359521865844727f,
                                    0.9996646642684937f};
  const std::vector<float> tensor2tensor = {-0.9589242935180664f,
                                            0.04997916519641876f,
                                            0.0004999999655410647f,
                                            0.28366219997406006f,
                                            0.9987502694129944f,
                                            0.9999998807907104f,
                                            0.0f};
  const Tensor position = Tensor::full({1, 1}, 5, DType::i64);
  const Tensor ours = sinusoidal_positions(position, 7, Sinusoids::kPaper);
  EXPECT_EQ(ours.shape(), (Shape{1, 1, 7}));
  const std::vector<float> values = ours.to_vector<float>();
  const std::vector<float> others = sinusoidal_positions(position, 7, Sinusoids::kTensor2Tensor).to_vector<float>();
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_NEAR(values[i], paper[i], 1e-7) << i;
    EXPECT_NEAR(others[i], tensor2tensor[i], 1e-7) << i;
  }
}

}  // namespace
}  // namespace imago::nn
