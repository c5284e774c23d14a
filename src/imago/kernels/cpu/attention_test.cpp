#include "imago/kernels/cpu/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/half.h"
#include "imago/kernels/cpu/test_targets.h"

namespace imago::kernels {
namespace {

constexpr int64_t kNoWindow = std::numeric_limits<int64_t>::max();

struct Case {
  int64_t batch = 2, heads = 4, key_value_heads = 2, queries = 5, keys = 9, head_size = 16, value_size = 16;
  bool causal = false;
  int64_t window = kNoWindow, prefix = 0;
  bool lengths = false, mask = false, bias = false, sinks = false;
  float softcap = 0;
};

template <class T>
std::vector<T> random_vector(int64_t size, uint32_t seed, float scale = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution(0, scale);
  std::vector<T> values;
  for (int64_t i = 0; i < size; ++i) values.push_back(T(distribution(generator)));
  return values;
}

// Tensors laid out [batch, tokens, heads, size], as projections leave them, so that all strides differ.
template <class T>
class Problem {
 public:
  explicit Problem(const Case& test) : test_(test) {
    query_ = random_vector<T>(test.batch * test.queries * test.heads * test.head_size, 1);
    key_ = random_vector<T>(test.batch * test.keys * test.key_value_heads * test.head_size, 2);
    value_ = random_vector<T>(test.batch * test.keys * test.key_value_heads * test.value_size, 3);
    output_.assign(static_cast<size_t>(test.batch * test.queries * test.heads * test.value_size), T(77.0f));
    bias_ = random_vector<float>(test.heads * test.queries * test.keys, 4);
    sinks_ = random_vector<float>(test.heads, 5);
    mask_ = std::make_unique<bool[]>(static_cast<size_t>(test.batch * test.keys));
    for (int64_t b = 0; b < test.batch; ++b) {
      lengths_.push_back(b == 0 ? test.keys - test.keys / 3 : test.keys);
      for (int64_t j = 0; j < test.keys; ++j) mask_[static_cast<size_t>(b * test.keys + j)] = (j * 7 + b) % 5 != 0;
    }
  }

  void run() {
    const Case& t = test_;
    Attention<T> a;
    a.batch = t.batch, a.heads = t.heads, a.key_value_heads = t.key_value_heads;
    a.queries = t.queries, a.keys = t.keys, a.head_size = t.head_size, a.value_size = t.value_size;
    a.query = query_.data();
    a.query_strides = {t.queries * t.heads * t.head_size, t.head_size, t.heads * t.head_size};
    a.key = key_.data();
    a.key_strides = {t.keys * t.key_value_heads * t.head_size, t.head_size, t.key_value_heads * t.head_size};
    a.value = value_.data();
    a.value_strides = {t.keys * t.key_value_heads * t.value_size, t.value_size, t.key_value_heads * t.value_size};
    a.output = output_.data();
    a.output_strides = {t.queries * t.heads * t.value_size, t.value_size, t.heads * t.value_size};
    a.scale = scale();
    a.softcap = t.softcap, a.causal = t.causal, a.window = t.window, a.prefix = t.prefix;
    a.key_lengths = t.lengths ? lengths_.data() : nullptr;
    a.key_mask = t.mask ? mask_.get() : nullptr;
    a.bias = t.bias ? bias_.data() : nullptr;
    a.bias_strides = {0, t.queries * t.keys, t.keys, 1};
    a.sinks = t.sinks ? sinks_.data() : nullptr;
    attention(a);
  }

  // Every output against the definition in double.
  void check() {
    run();
    for (int64_t b = 0; b < test_.batch; ++b) {
      for (int64_t h = 0; h < test_.heads; ++h) {
        for (int64_t i = 0; i < test_.queries; ++i) check_row(b, h, i);
      }
    }
  }

 private:
  float scale() const { return 1 / std::sqrt(static_cast<float>(test_.head_size)); }

  bool visible(int64_t b, int64_t i, int64_t j) const {
    const int64_t p = i + test_.keys - test_.queries;
    if (test_.lengths && j >= lengths_[static_cast<size_t>(b)]) return false;
    if (test_.mask && !mask_[static_cast<size_t>(b * test_.keys + j)]) return false;
    if (j < test_.prefix) return true;
    if (test_.causal && j > p) return false;
    return test_.window == kNoWindow || (j > p - test_.window && j < p + test_.window);
  }

  double score(int64_t b, int64_t h, int64_t i, int64_t j) const {
    const Case& t = test_;
    const int64_t kv = h / (t.heads / t.key_value_heads);
    double dot = 0;
    for (int64_t d = 0; d < t.head_size; ++d) {
      dot +=
          static_cast<double>(query_[static_cast<size_t>(((b * t.queries + i) * t.heads + h) * t.head_size + d)]) *
          static_cast<double>(key_[static_cast<size_t>(((b * t.keys + j) * t.key_value_heads + kv) * t.head_size + d)]);
    }
    dot *= static_cast<double>(scale());
    if (t.softcap > 0) dot = t.softcap * std::tanh(dot / t.softcap);
    if (t.bias) dot += bias_[static_cast<size_t>((h * t.queries + i) * t.keys + j)];
    return dot;
  }

  void check_row(int64_t b, int64_t h, int64_t i) const {
    const Case& t = test_;
    const int64_t kv = h / (t.heads / t.key_value_heads);
    std::vector<double> expected(static_cast<size_t>(t.value_size), 0);
    double sum = t.sinks ? std::exp(static_cast<double>(sinks_[static_cast<size_t>(h)])) : 0;
    for (int64_t j = 0; j < t.keys; ++j) {
      if (!visible(b, i, j)) continue;
      const double weight = std::exp(score(b, h, i, j));
      sum += weight;
      for (int64_t d = 0; d < t.value_size; ++d) {
        expected[static_cast<size_t>(d)] +=
            weight * static_cast<double>(
                         value_[static_cast<size_t>(((b * t.keys + j) * t.key_value_heads + kv) * t.value_size + d)]);
      }
    }
    for (int64_t d = 0; d < t.value_size; ++d) {
      const double exact = sum == 0 ? 0 : expected[static_cast<size_t>(d)] / sum;
      const double got = output_[static_cast<size_t>(((b * t.queries + i) * t.heads + h) * t.value_size + d)];
      // Weights sum to one and values are at most about 5, so 1e-6 is some 4 roundings of float.
      const double rounding = std::is_same_v<T, float> ? 0 : std::is_same_v<T, float16> ? 0x1p-11 : 0x1p-8;
      ASSERT_NEAR(got, exact, 1.5e-6 + 1.01 * rounding * std::abs(exact))
          << "batch " << b << " head " << h << " query " << i << " value " << d << " queries " << t.queries << " keys "
          << t.keys;
    }
  }

  Case test_;
  std::vector<T> query_, key_, value_, output_;
  std::vector<float> bias_, sinks_;
  std::vector<int64_t> lengths_;
  std::unique_ptr<bool[]> mask_;
};

template <class T>
void check(const Case& test) {
  Problem<T>(test).check();
}

// Every kind of mask at sizes within a block, across blocks, decoding, and with keys split among tasks.
template <class T>
void check_all_masks() {
  for_each_target([] {
    for (const auto& [queries, keys] :
         {std::pair<int64_t, int64_t>{1, 1}, {1, 9}, {5, 9}, {9, 9}, {1, 1100}, {3, 600}, {150, 150}, {140, 301}}) {
      Case test;
      test.queries = queries, test.keys = keys;
      check<T>(test);
      test.causal = true;
      check<T>(test);
      test.window = 4;
      check<T>(test);
      test.prefix = std::min<int64_t>(keys, 3);
      check<T>(test);
      test.causal = false;
      check<T>(test);
      test.lengths = test.bias = true;
      check<T>(test);
      test.window = kNoWindow, test.prefix = 0, test.causal = true, test.mask = true, test.sinks = true;
      check<T>(test);
      test.softcap = 2;
      check<T>(test);
    }
  });
}

TEST(AttentionKernel, FloatMasks) { check_all_masks<float>(); }
TEST(AttentionKernel, Bfloat16Masks) { check_all_masks<bfloat16>(); }
TEST(AttentionKernel, Float16Masks) { check_all_masks<float16>(); }

TEST(AttentionKernel, HeadSizesAndGroups) {
  for_each_target([] {
    for (int64_t queries : {1, 2, 33}) {
      check<float>({.heads = 6, .key_value_heads = 1, .queries = queries, .keys = 70, .head_size = 8, .value_size = 8});
      check<float>(
          {.heads = 3, .key_value_heads = 3, .queries = queries, .keys = 70, .head_size = 20, .value_size = 7});
      check<float>(
          {.heads = 12, .key_value_heads = 4, .queries = queries, .keys = 70, .head_size = 1, .value_size = 33});
      check<float>(
          {.heads = 2, .key_value_heads = 2, .queries = queries, .keys = 300, .head_size = 576, .value_size = 512});
    }
  });
}

TEST(AttentionKernel, SeveralThreads) {
  const int threads = num_threads();
  for (int count : {1, 3}) {
    set_num_threads(count);
    check<float>(
        {.batch = 1, .heads = 2, .queries = 1, .keys = 5000, .head_size = 64, .value_size = 64, .causal = true});
    check<float>(
        {.batch = 3, .heads = 8, .queries = 130, .keys = 260, .head_size = 32, .value_size = 32, .causal = true});
  }
  set_num_threads(threads);
}

// More queries than keys: the first see nothing.
TEST(AttentionKernel, QueryWithoutKeysGivesZeros) {
  check<float>({.queries = 9, .keys = 4, .causal = true});
  check<float>({.queries = 9, .keys = 4, .causal = true, .sinks = true});
  check<float>({.queries = 3, .keys = 0});
  check<float>({.queries = 200, .keys = 20, .causal = true});
}

TEST(AttentionKernel, NotANumberPropagates) {
  for_each_target([] {
    for (int64_t queries : {1, 20}) {
      std::vector<float> query(static_cast<size_t>(queries * 4), 1.0f), key(40, 1.0f), value(40, 1.0f),
          output(query.size());
      query[1] = std::numeric_limits<float>::quiet_NaN();
      Attention<float> a;
      a.queries = queries, a.keys = 10, a.head_size = 4, a.value_size = 4;
      a.query = query.data(), a.key = key.data(), a.value = value.data(), a.output = output.data();
      a.query_strides.token = a.key_strides.token = a.value_strides.token = a.output_strides.token = 4;
      attention(a);
      EXPECT_TRUE(std::isnan(output[0]));
      if (queries > 1) {
        EXPECT_FLOAT_EQ(output[4], 1.0f);
      }
    }
  });
}

}  // namespace
}  // namespace imago::kernels
