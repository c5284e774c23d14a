#include "imago/nn/key_value_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/scaled_dot_product_attention/scaled_dot_product_attention.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

using testing::ElementsAre;

// One head of size one: the positions themselves.
Tensor positions(int64_t first, int64_t count) {
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(first + i));
  return Tensor::from(values, {1, 1, count, 1});
}

std::vector<float> append(KeyValueCache& cache, int64_t first, int64_t count, std::optional<int64_t> window = {}) {
  const Tensor added = positions(first, count);
  const KeysValues all = cache.append(0, added, added, window);
  EXPECT_EQ(contiguous(all.keys).to_vector<float>(), contiguous(all.values).to_vector<float>());
  return contiguous(all.keys).to_vector<float>();
}

TEST(KeyValueCache, KeepsAllTokens) {
  KeyValueCache cache;
  EXPECT_THAT(append(cache, 0, 2), ElementsAre(0, 1));
  EXPECT_THAT(append(cache, 2, 1), ElementsAre(0, 1, 2));
  EXPECT_EQ(cache.length(), 3);
}

TEST(KeyValueCache, KeepsWhatAWindowShows) {
  KeyValueCache cache;
  EXPECT_THAT(append(cache, 0, 5, 3), ElementsAre(0, 1, 2, 3, 4));  // new tokens see one another's windows
  EXPECT_THAT(append(cache, 5, 1, 3), ElementsAre(3, 4, 5));
  EXPECT_THAT(append(cache, 6, 2, 3), ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(append(cache, 8, 1, 1), ElementsAre(8));
  EXPECT_EQ(cache.length(), 9);
}

TEST(KeyValueCache, AWindowBoundsItsMemory) {
  KeyValueCache cache;
  append(cache, 0, 4, 8);
  const int64_t before = cache.nbytes();
  for (int64_t i = 4; i < 3000; ++i) {
    const std::vector<float> kept = append(cache, i, 1, 8);
    ASSERT_EQ(kept.back(), static_cast<float>(i));
    ASSERT_EQ(kept.front(), static_cast<float>(std::max<int64_t>(i - 7, 0)));
  }
  EXPECT_LE(cache.nbytes(), before + before / 8);
}

TEST(KeyValueCache, GoesBackOnlyToWhatItStillHas) {
  KeyValueCache cache;
  append(cache, 0, 5, 8);
  cache.crop(2);
  EXPECT_THAT(append(cache, 7, 1, 8), ElementsAre(0, 1, 7));
  append(cache, 8, 8, 4);
  append(cache, 16, 1, 4);
  EXPECT_THROW(cache.crop(3), Error);
}

TEST(KeyValueCache, CarriesRecurrentStates) {
  KeyValueCache cache;
  EXPECT_TRUE(cache.state(0).empty());
  cache.set_state(0, {Tensor::from(std::vector<float>{1, 2}, {2, 1})}, 3);
  cache.set_state(0, {Tensor::from(std::vector<float>{3, 4}, {2, 1})}, 1);
  EXPECT_EQ(cache.length(), 4);
  EXPECT_EQ(cache.nbytes(), 8);
  const std::vector<int64_t> order = {1, 1, 0};
  cache.reorder(order);
  EXPECT_THAT(cache.state(0)[0].to_vector<float>(), ElementsAre(4, 4, 3));
  EXPECT_THROW(cache.crop(1), Error);
}

// Heads of 64 channels, of magnitude 1 but for one channel that is larger, as keys have them.
Tensor heads(int64_t tokens, int64_t seed) {
  Tensor x = Tensor::empty({2, 3, tokens, 64});
  for (int64_t i = 0; i < x.numel(); ++i) {
    const auto at = static_cast<double>(i + seed * 1000003);
    x.data<float>()[i] = static_cast<float>(std::sin(at * 1.7 + std::sin(at * 0.31)) * (i % 64 == 5 ? 6 : 1));
  }
  return x;
}

double relative_error(const Tensor& a, const Tensor& b) {
  const auto x = contiguous(decode(a)).to_vector<double>(), y = contiguous(decode(b)).to_vector<double>();
  double error = 0, square = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += std::pow(x[i] - y[i], 2);
    square += std::pow(y[i], 2);
  }
  return std::sqrt(error / square);
}

// What a format gives is what it makes of the plain values: within half a step of its grid, or its digits.
TEST(KeyValueCache, FormatsKeepWithinTheirBounds) {
  struct Bound {
    const char* format;
    double error, bits;
  };
  // Steps of 1/127 and 1/8 of the largest in 32, 6 for half of the blocks, over sqrt(12) and the values' own 1.
  for (const auto& [format, error, bits] :
       {Bound{"f16", 0x1p-11, 16}, {"bf16", 0x1p-8, 16}, {"q8_0", 0.016, 8.5}, {"q4_0", 0.25, 4.5}}) {
    SCOPED_TRACE(format);
    KeyValueCache plain, packed{std::string_view(format)};
    KeysValues want, got;
    for (int64_t step = 0; step < 5; ++step) {
      const int64_t tokens = step == 0 ? 300 : 1;
      want = plain.append(1, heads(tokens, step), heads(tokens, step + 7));
      got = packed.append(1, heads(tokens, step), heads(tokens, step + 7));
    }
    EXPECT_EQ(got.keys.shape(), want.keys.shape());
    EXPECT_LT(relative_error(got.keys, want.keys), error);
    EXPECT_LT(relative_error(got.values, want.values), error);
    EXPECT_GT(relative_error(got.values, want.values), 0);
    EXPECT_NEAR(static_cast<double>(packed.nbytes()) / static_cast<double>(plain.nbytes()), bits / 32, 1e-9);
    const std::vector<int64_t> rows = {1, 1, 0};
    plain.reorder(rows);
    packed.reorder(rows);
    plain.crop(200);
    packed.crop(200);
    const Tensor last = Tensor::full({3, 3, 1, 64}, 0.5);
    want = plain.append(1, last, last);
    got = packed.append(1, last, last);
    EXPECT_EQ(got.keys.size(2), 201);
    EXPECT_LT(relative_error(got.keys, want.keys), error);
  }
}

// A window in few bits shows the same tokens.
TEST(KeyValueCache, FormatsWithAWindow) {
  KeyValueCache plain, packed("q8_0");
  for (int64_t step = 0; step < 40; ++step) {
    const Tensor x = heads(step == 0 ? 20 : 1, step);
    const KeysValues want = plain.append(0, x, x, 9), got = packed.append(0, x, x, 9);
    ASSERT_EQ(got.keys.shape(), want.keys.shape());
    ASSERT_LT(relative_error(got.keys, want.keys), 0.016);
  }
}

// Attention to packed tokens is attention to what they decode to.
TEST(KeyValueCache, FormatsAreAttendedToAsTheyAre) {
  for (const char* format : {"f16", "bf16", "q8_0", "q4_0", "q5_1"}) {
    SCOPED_TRACE(format);
    KeyValueCache cache{std::string_view(format)};
    for (const int64_t tokens : {700, 1, 5, 40}) {
      const KeysValues all = cache.append(0, heads(tokens, tokens), heads(tokens, tokens + 7));
      const Tensor query = expand(narrow(heads(tokens, 3), 1, 0, 1), {2, 6, tokens, 64});
      ASSERT_TRUE(all.keys.encoding());
      const Tensor keys = decode(all.keys), values = decode(all.values);
      ASSERT_EQ(keys.shape(), all.keys.shape());
      for (const bool causal : {true, false}) {
        AttentionMask mask{.causal = causal};
        const auto attend = [&](const Tensor& k, const Tensor& v) {
          return scaled_dot_product_attention(query, k, v, mask, {}).to_vector<float>();
        };
        EXPECT_EQ(attend(all.keys, all.values), attend(keys, values));
        EXPECT_EQ(attend(all.keys, values), attend(keys, values));
        mask.query_offset = keys.size(2) - tokens - 1;  // whose last key is seen by none
        EXPECT_EQ(attend(all.keys, all.values), attend(keys, values));
      }
    }
  }
}

TEST(KeyValueCache, FormatsAreAttendedToFromHalfTypes) {
  KeyValueCache cache("q8_0");
  const auto half = [](const Tensor& x) { return cast(x, DType::bf16); };
  const KeysValues all = cache.append(0, half(heads(300, 1)), half(heads(300, 2)));
  const Tensor query = half(heads(2, 3));
  const Tensor got = scaled_dot_product_attention(query, all.keys, all.values, {.causal = true});
  const auto exact = [](const Tensor& x) { return cast(x, DType::f32); };
  KeyValueCache same("q8_0");
  const KeysValues wide = same.append(0, exact(half(heads(300, 1))), exact(half(heads(300, 2))));
  const Tensor want = scaled_dot_product_attention(exact(query), wide.keys, wide.values, {.causal = true});
  EXPECT_EQ(got.dtype(), DType::bf16);
  EXPECT_EQ(got.to_vector<float>(), half(want).to_vector<float>());
}

TEST(KeyValueCache, FormatsThatDoNotFitAreRefused) {
  EXPECT_THROW(KeyValueCache("q9_9"), Error);
  KeyValueCache cache("q8_0");
  EXPECT_THROW(cache.append(0, Tensor::zeros({1, 1, 2, 40}), Tensor::zeros({1, 1, 2, 40})), Error);
}

}  // namespace
}  // namespace imago
