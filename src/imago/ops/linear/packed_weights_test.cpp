#include "imago/ops/linear/packed_weights.h"

#include <gtest/gtest.h>

#include "imago/ops/cast/cast.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/op_table.h"

namespace imago {
namespace {

// A copy that nobody may write to, as the tensors of a mapped file are.
Tensor read_only(const Tensor& x) {
  const auto values = std::make_shared<std::vector<float>>(x.to_vector<float>());
  const int64_t bytes = x.numel() * static_cast<int64_t>(sizeof(float));
  return Tensor::on_storage(Storage::borrow(values->data(), bytes, values, false), 0, x.shape(), x.strides(),
                            DType::f32);
}

TEST(PackedWeights, ChangeNoBit) {
  const Tensor weight = cast(sample_values({70, 300}), DType::f32), bias = cast(sample_values({70}), DType::f32);
  const Tensor fixed = read_only(weight);
  for (const int64_t rows : {1, 40, 40, 40, 1, 1000}) {
    const Tensor x = cast(sample_values({rows, 300}, -2, 2, 5), DType::f32);
    EXPECT_EQ(linear(x, fixed, bias).to_vector<float>(), linear(x, weight, bias).to_vector<float>()) << rows;
  }
}

TEST(PackedWeights, AreOfTensorsThatNeverChangeAndComeBack) {
  const Tensor weight = cast(sample_values({40, 50}), DType::f32);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(packed_weight(weight, 100).columns.data, nullptr);
  Tensor fixed = read_only(weight);
  EXPECT_EQ(packed_weight(fixed, 100).columns.data, nullptr);
  EXPECT_EQ(packed_weight(fixed, 1).columns.data, nullptr);
  const PackedWeight packed = packed_weight(fixed, 100);
  ASSERT_NE(packed.columns.data, nullptr);
  EXPECT_EQ(packed_weight(fixed, 100).columns.data, packed.columns.data);
  EXPECT_EQ(packed.columns.data[0], weight.to_vector<float>()[0]);
  // Another one is not mistaken for it, wherever it lies.
  fixed = read_only(weight);
  EXPECT_EQ(packed_weight(fixed, 100).columns.data, nullptr);
  EXPECT_EQ(packed.columns.data[0], weight.to_vector<float>()[0]);
}

}  // namespace
}  // namespace imago
