// What happens to a block of attention scores between the two products: scale, softcap, bias, mask and the running
// softmax. Compiled once per target.
#if defined(IMAGO_KERNELS_CPU_ATTENTION_SOFTMAX_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_KERNELS_CPU_ATTENTION_SOFTMAX_INL_H
#undef IMAGO_KERNELS_CPU_ATTENTION_SOFTMAX_INL_H
#else
#define IMAGO_KERNELS_CPU_ATTENTION_SOFTMAX_INL_H
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "imago/kernels/cpu/attention.h"
#include "imago/kernels/cpu/math_float-inl.h"
#include "imago/kernels/cpu/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::kernels {
namespace HWY_NAMESPACE {

// A range of keys [begin, end).
struct KeyRange {
  int64_t begin, end;
};

// The keys that masks by position let query `query` see, beside the prefix.
template <class T>
HWY_INLINE KeyRange visible_keys(const Attention<T>& a, int64_t query) {
  const int64_t position = query + a.keys - a.queries;
  KeyRange range = {0, a.causal ? std::clamp(position + 1, int64_t{0}, a.keys) : a.keys};
  if (a.window < a.keys + a.queries) {  // a wider one hides nothing, and adding it could overflow
    range.begin = std::max(int64_t{0}, position - a.window + 1);
    range.end = std::min(range.end, std::max(int64_t{0}, position + a.window));
  }
  return range;
}

// Turns the products of one query with keys [first, first + count) into masked scores.
template <class T>
void finish_scores(const Attention<T>& a, int64_t batch, int64_t head, int64_t query, int64_t first, int64_t count,
                   float* scores) {
  const Simd<float> d;
  const auto scale = hn::Set(d, a.scale);
  map_row(scores, scores, count, [&](auto x) HWY_ATTR { return hn::Mul(x, scale); });
  if (a.softcap > 0) {
    for (int64_t i = 0; i < count; ++i) scores[i] = a.softcap * std::tanh(scores[i] / a.softcap);
  }
  if (a.bias != nullptr) {
    const float* bias = a.bias + batch * a.bias_strides.batch + head * a.bias_strides.head +
                        query * a.bias_strides.query + first * a.bias_strides.key;
    for (int64_t i = 0; i < count; ++i) scores[i] += bias[i * a.bias_strides.key];
  }
  const float hidden = -std::numeric_limits<float>::infinity();
  const KeyRange visible = visible_keys(a, query);
  const int64_t prefix = std::clamp(a.prefix - first, int64_t{0}, count);
  const int64_t begin = std::clamp(visible.begin - first, prefix, count);
  const int64_t end = std::clamp(visible.end - first, begin, count);
  std::fill(scores + prefix, scores + begin, hidden);
  std::fill(scores + end, scores + count, hidden);
  if (a.key_lengths != nullptr) {
    std::fill(scores + std::clamp(a.key_lengths[batch] - first, int64_t{0}, count), scores + count, hidden);
  }
  if (a.key_mask != nullptr) {
    const bool* mask = a.key_mask + batch * a.keys + first;
    for (int64_t i = 0; i < count; ++i) scores[i] = mask[i] ? scores[i] : hidden;
  }
}

// The softmax of one query so far: the largest score, the sum of exp(score - largest), and beside it, in the caller's
// hands, the sum of exp(score - largest) * value.
struct RunningSoftmax {
  float largest = -std::numeric_limits<float>::infinity();
  float sum = 0;
};

// Replaces scores by exp(score - largest) with the largest up to now, and returns what previous sums must be multiplied
// by to count from the same.
inline float update_softmax(RunningSoftmax& softmax, float* scores, int64_t count) {
  const Simd<float> d;
  const float previous = softmax.largest;
  const float block_largest = max_row(scores, count);
  if (block_largest > previous || block_largest != block_largest) softmax.largest = block_largest;
  if (softmax.largest == -std::numeric_limits<float>::infinity()) {  // nothing is visible yet
    std::fill(scores, scores + count, 0.0f);
    return 1;
  }
  const auto offset = hn::Set(d, softmax.largest);
  map_row(scores, scores, count, [&](auto x) HWY_ATTR { return exp_float(d, hn::Sub(x, offset)); });
  const float factor = std::exp(previous - softmax.largest);
  softmax.sum = softmax.sum * factor + sum_row(scores, count, [](auto x) HWY_ATTR { return x; });
  return factor;
}

// row[i] *= factor
inline void scale_row(float* row, int64_t size, float factor) {
  const Simd<float> d;
  const auto lanes = hn::Set(d, factor);
  map_row(row, row, size, [&](auto x) HWY_ATTR { return hn::Mul(x, lanes); });
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
