// Values of the reference's functions.
#include "imago/nn/vision/mask_losses.h"

#include <gmock/gmock.h>

#include "imago/nn/vision/bilinear_points.h"

namespace imago::nn {
namespace {

using testing::ElementsAre;
using testing::FloatNear;

const Tensor& logits() {
  static const Tensor tensor = Tensor::from(std::vector<float>{1.5F, -0.5F, 2, -1, 0.25F, 0.5F}, {2, 3});
  return tensor;
}
const Tensor& targets() {
  static const Tensor tensor = Tensor::from(std::vector<float>{1, 0, 1, 0, 0, 1}, {2, 3});
  return tensor;
}

TEST(MaskLosses, AreTheReferences) {
  EXPECT_NEAR(dice_loss(logits(), targets()).item<float>(), 0.4837753, 1e-6);
  EXPECT_NEAR(focal_loss(logits(), targets()).item<float>(), 0.09415586, 1e-6);
  EXPECT_NEAR(mask_cross_entropy(logits(), targets()).item<float>(), 0.8052322, 1e-6);
}

TEST(MaskLosses, PairByPair) {
  const auto near = [](float value) { return FloatNear(value, 1e-6F); };
  EXPECT_THAT(pairwise_dice_loss(logits(), targets()).to_vector<float>(),
              ElementsAre(near(0.1338024F), near(0.3224598F), near(0.3751536F), near(0.3499730F)));
  EXPECT_THAT(pairwise_mask_cross_entropy(logits(), targets()).to_vector<float>(),
              ElementsAre(near(0.2674728F), near(0.7674728F), near(0.8710927F), near(0.5377594F)));
}

// torch.nn.functional.grid_sample with zeros outside.
TEST(BilinearPoints, AreReadAsTorchReadsThem) {
  const Tensor picture = Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, {1, 2, 3});
  const Tensor places = Tensor::from(std::vector<float>{0.1F, 0.2F, 0.5F, 0.5F, 0.99F, 0.01F, 0.3F, 0.8F}, {1, 4, 2});
  const auto near = [](float value) { return FloatNear(value, 1e-5F); };
  EXPECT_THAT(read_points(picture, places).to_vector<float>(),
              ElementsAre(near(0.72F), near(3.5F), near(0.8268F), near(3.96F)));
}

}  // namespace
}  // namespace imago::nn
