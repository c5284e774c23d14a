#include "imago/ops/sort/sort.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/one_hot/one_hot.h"
#include "imago/ops/repeat/repeat.h"
#include "imago/ops/scatter/scatter.h"
#include "imago/ops/topk/topk.h"

namespace imago {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Sort, NaNIsTheLargest) {
  const Tensor x = Tensor::from<double>({NAN, 1, NAN, 5, INFINITY});
  EXPECT_THAT(argsort(x).to_vector<int64_t>(), ElementsAre(1, 3, 4, 0, 2));
  EXPECT_THAT(argsort(x, 0, true).to_vector<int64_t>(), ElementsAre(0, 2, 4, 3, 1));
  EXPECT_THAT(topk(x, 3).indices.to_vector<int64_t>(), ElementsAre(0, 2, 4));
  EXPECT_THAT(topk(x, 2, 0, false).indices.to_vector<int64_t>(), ElementsAre(1, 3));
}

TEST(Sort, EqualElementsKeepTheirOrder) {
  const Tensor x = Tensor::from<int64_t>({1, 0, 1, 0});
  EXPECT_THAT(argsort(x).to_vector<int64_t>(), ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(argsort(x, 0, true).to_vector<int64_t>(), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(topk(x, 3).indices.to_vector<int64_t>(), ElementsAre(0, 2, 1));
}

TEST(TopK, TakesNoMoreThanThereAre) {
  EXPECT_THAT([] { topk(Tensor::zeros({3}), 4); }, ThrowsMessage<Error>(HasSubstr("4 elements of dimension 0")));
}

TEST(Indexing, IndicesOutsideAreErrors) {
  const Tensor x = Tensor::zeros({2, 3});
  for (int64_t bad : {int64_t{-1}, int64_t{3}, int64_t{1} << 40}) {
    const Tensor index = Tensor::from<int64_t>({0, bad}, {1, 2}), flat = Tensor::from<int64_t>({0, bad});
    EXPECT_THAT([&] { gather(x, 1, index); }, ThrowsMessage<Error>(HasSubstr("is outside [0, 3)")));
    EXPECT_THAT([&] { scatter(x, 1, index, 1); }, ThrowsMessage<Error>(HasSubstr("is outside [0, 3)")));
    EXPECT_THAT([&] { index_select(x, 1, flat); }, ThrowsMessage<Error>(HasSubstr("is outside [0, 3)")));
    EXPECT_THAT([&] { one_hot(flat, 3); }, ThrowsMessage<Error>(HasSubstr("is outside [0, 3)")));
  }
  EXPECT_THAT(
      [&] {
        gather(x, 1, Tensor::zeros({3, 1}, DType::i64));
      },
      ThrowsMessage<Error>(HasSubstr("does not fit")));
  EXPECT_THAT([&] { gather(x, 1, Tensor::zeros({2, 1})); }, ThrowsMessage<Error>(HasSubstr("int64 or int32")));
}

TEST(Scatter, TheLastOfEqualIndicesWins) {
  const Tensor index = Tensor::from<int64_t>({1, 1, 0}), source = Tensor::from<float>({5, 6, 7});
  EXPECT_THAT(scatter(Tensor::zeros({3}), 0, index, source).to_vector<float>(), ElementsAre(7, 6, 0));
  EXPECT_THAT(scatter_add(Tensor::zeros({3}), 0, index, source).to_vector<float>(), ElementsAre(7, 11, 0));
}

TEST(Repeat, EachElementItsOwnNumberOfTimes) {
  const Tensor x = Tensor::from<float>({1, 2, 3});
  EXPECT_THAT(repeat_interleave(x, Tensor::from<int64_t>({2, 0, 1}), 0).to_vector<float>(), ElementsAre(1, 1, 3));
  EXPECT_THAT(
      [&] {
        repeat_interleave(x, Tensor::from<int64_t>({2, -1, 1}), 0);
      },
      ThrowsMessage<Error>(HasSubstr("-1 repeats")));
}

}  // namespace
}  // namespace imago
