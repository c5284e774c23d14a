#include "imago/nn/dropout.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"

namespace imago {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

TEST(TorchGenerator, DrawsWhatTorchDraws) {
  TorchGenerator generator(42);
  // torch.manual_seed(42); torch.empty(4).uniform_(-1, 1); torch.empty(20).bernoulli_(0.6); torch.empty(20).normal_()
  EXPECT_THAT(generator.uniform({4}, -1, 1).to_vector<float>(),
              ElementsAre(0.7645385265350342F, 0.8300079107284546F, -0.23427248001098633F, 0.9186112880706787F));
  EXPECT_THAT(generator.bernoulli({20}, 0.6).to_vector<float>(),
              ElementsAre(1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0));
  EXPECT_THAT(generator.normal({20}, 1).to_vector<float>(),
              Pointwise(FloatNear(1e-6F),
                        std::vector<float>{
                            1.312307596206665F,   0.6871595978736877F,   -1.0891753435134888F,  -0.3552866280078888F,
                            1.4451338052749634F,  0.8564125299453735F,   2.218075752258301F,    0.5231655240058899F,
                            0.34664666652679443F, -0.19733144342899323F, -1.0545889139175415F,  1.2779955863952637F,
                            -0.1721901297569275F, 0.5237884521484375F,   0.056621819734573364F, 0.4262961447238922F,
                            0.575005054473877F,   -0.6417241096496582F,  -2.2063984870910645F,  -0.7508030533790588F}));
  EXPECT_THAT(generator.normal({3}, 2).to_vector<float>(),
              Pointwise(FloatNear(1e-6F),
                        std::vector<float>{0.9358060956001282F, -0.40986382961273193F, -1.4818142652511597F}));
}

TEST(TorchGenerator, GoesOnFromItsState) {
  TorchGenerator first(7), second(0);
  first.normal({3}, 1);
  second.set_state(first.state());
  EXPECT_EQ(first.normal({3}, 1).to_vector<float>(), second.normal({3}, 1).to_vector<float>());
  EXPECT_EQ(first.next64(), second.next64());
  EXPECT_THROW(second.set_state("no state"), Error);
}

TEST(Dropout, IsTorchsInTrainingAndNothingOutside) {
  const Tensor x = Tensor::ones({12});
  EXPECT_TRUE(nn::dropout(x, 0.25).is_same(x));
  TorchGenerator generator(3);
  const nn::TrainingMode training(generator);
  // torch.manual_seed(3); torch.nn.functional.dropout(torch.ones(12), 0.25)
  EXPECT_THAT(nn::dropout(x, 0.25).to_vector<float>(),
              ElementsAre(1.3333333730697632F, 1.3333333730697632F, 0.0F, 1.3333333730697632F, 0.0F,
                          1.3333333730697632F, 1.3333333730697632F, 1.3333333730697632F, 1.3333333730697632F, 0.0F,
                          1.3333333730697632F, 1.3333333730697632F));
  EXPECT_TRUE(nn::dropout(x, 0).is_same(x));
}

}  // namespace
}  // namespace imago
