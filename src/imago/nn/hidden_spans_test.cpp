#include "imago/nn/hidden_spans.h"

#include <gmock/gmock.h>

#include "imago/base/error.h"
#include "imago/nn/numpy_generator.h"
#include "imago/ops/cast/cast.h"

namespace imago::nn {
namespace {

using testing::ElementsAre;

// Of numpy 2: seed(7), random(), permutation(10), choice(arange(6), 3, replace=False), random().
TEST(NumpyGenerator, DrawsAsNumpy) {
  NumpyGenerator generator(7);
  EXPECT_EQ(generator.random(), 0.07630828937395717);
  EXPECT_THAT(generator.permutation(10), ElementsAre(8, 5, 0, 2, 1, 4, 7, 3, 6, 9));
  std::vector<int64_t> chosen = generator.permutation(6);
  chosen.resize(3);
  EXPECT_THAT(chosen, ElementsAre(1, 3, 4));
  NumpyGenerator other(1);
  other.set_state(generator.state());
  EXPECT_EQ(other.random(), 0.8688014582078086);
  EXPECT_THROW(other.set_state("no state"), Error);
  EXPECT_TRUE(other.permutation(0).empty());
}

// The reference's _compute_mask_indices after numpy.random.seed(3).
TEST(HiddenSpans, AreTheReferences) {
  NumpyGenerator generator(3);
  const NumpySource source(generator);
  const Tensor hidden = draw_hidden_spans(3, 12, {.probability = 0.4, .length = 3, .least = 1}, {12, 7, 2});
  std::string text;
  for (const int64_t each : cast(hidden, DType::i64).to_vector<int64_t>()) text += each == 1 ? '1' : '0';
  EXPECT_EQ(text,
            "000011110000"
            "000111000000"
            "000000000001");
  EXPECT_THROW(draw_hidden_spans(1, 2, {.probability = 0.4, .length = 3}), Error);
}

TEST(HiddenSpans, NeedAGenerator) { EXPECT_THROW(draw_hidden_spans(1, 9, {.probability = 1, .length = 2}), Error); }

}  // namespace
}  // namespace imago::nn
