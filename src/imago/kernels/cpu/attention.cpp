#include "imago/kernels/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/kernels/cpu/attention.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/kernels/cpu/attention_softmax-inl.h"
#include "imago/kernels/cpu/gemm_pack-inl.h"

#ifndef IMAGO_KERNELS_CPU_ATTENTION_ONCE
#define IMAGO_KERNELS_CPU_ATTENTION_ONCE
namespace imago::kernels {
namespace {

// Keys whose scores exist at a time.
constexpr int64_t kKeyBlock = 128;
// Queries that share one pass over the keys: as many as keep the block's data in the second-level cache.
constexpr int64_t kMaxBlockRows = 120;
// Up to here keys are multiplied from where they lie; packing them would cost more than it saves.
constexpr int64_t kMaxDirectRows = 8;

thread_local Scratch attention_scratch;
thread_local Scratch partial_scratch;

}  // namespace
}  // namespace imago::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::kernels::HWY_NAMESPACE {
namespace {

HWY_INLINE int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// output[row * stride + i] += sum over keys of weights[row * kKeyBlock + key] * value[key * value_stride + i], for
// kVectors vectors of i.
template <int kRows, int kVectors, class T>
HWY_INLINE void add_weighted_values(const float* weights, int64_t keys, const T* value, int64_t value_stride,
                                    float* output, int64_t stride) {
  const Simd<float> d;
  constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(d));
  hn::Vec<Simd<float>> sums[kRows][kVectors];
  IMAGO_UNROLL
  for (int row = 0; row < kRows; ++row) {
    IMAGO_UNROLL
    for (int i = 0; i < kVectors; ++i) sums[row][i] = hn::Load(d, output + row * stride + i * kLanes);
  }
  for (int64_t key = 0; key < keys; ++key, value += value_stride) {
    IMAGO_UNROLL
    for (int i = 0; i < kVectors; ++i) {
      const auto lanes = load(d, value + i * kLanes);
      IMAGO_UNROLL
      for (int row = 0; row < kRows; ++row) {
        sums[row][i] = hn::MulAdd(hn::Set(d, weights[row * kKeyBlock + key]), lanes, sums[row][i]);
      }
    }
  }
  IMAGO_UNROLL
  for (int row = 0; row < kRows; ++row) {
    IMAGO_UNROLL
    for (int i = 0; i < kVectors; ++i) hn::Store(sums[row][i], d, output + row * stride + i * kLanes);
  }
}

// One pass over a range of keys by a block of queries: the rows are the queries [first_query, first_query + queries) of
// every head that shares a key/value head.
template <class T>
class AttentionBlock {
 public:
  AttentionBlock(const Attention<T>& a, int64_t max_rows)
      : a_(a), query_stride_(round_up(a.head_size, kTileColumns)), value_stride_(round_up(a.value_size, kTileColumns)) {
    const int64_t rows = round_up(max_rows, kTileRows);
    const int64_t packed = kKeyBlock * std::max(query_stride_, value_stride_);
    const int64_t key_tile = a.packed_key.decode == nullptr ? 0 : kKeyBlock * query_stride_;
    const int64_t value_tile = a.packed_value.decode == nullptr ? 0 : kKeyBlock * value_stride_;
    float* memory = attention_scratch.get<float>(rows * (query_stride_ + value_stride_ + 2 * kKeyBlock) + packed +
                                                 key_tile + value_tile + round_up(rows * 2, kTileColumns));
    const auto take = [&](int64_t count) { return std::exchange(memory, memory + count); };
    query_ = take(rows * query_stride_);
    output_ = take(rows * value_stride_);
    scores_ = take(rows * kKeyBlock);
    weights_ = take(rows * kKeyBlock);
    packed_ = take(packed);
    key_tile_ = take(key_tile);
    value_tile_ = take(value_tile);
    softmax_ = reinterpret_cast<RunningSoftmax*>(take(round_up(rows * 2, kTileColumns)));
  }

  static int64_t partial_size(const Attention<T>& a) { return a.value_size + 2; }

  // partial: null to write the output, else where to leave each row's sums, partial_size apart.
  void run(int64_t batch, int64_t key_value_head, int64_t first_query, int64_t queries, KeyRange keys, float* partial) {
    batch_ = batch;
    key_value_head_ = key_value_head;
    first_query_ = first_query;
    queries_ = queries;
    rows_ = queries * (a_.heads / a_.key_value_heads);
    panels_ = (rows_ + kTileRows - 1) / kTileRows;
    // Packed ones are decoded tile by tile.
    if (a_.key != nullptr) {
      keys_ = Rows{a_.key + batch * a_.key_strides.batch + key_value_head * a_.key_strides.head, a_.key_strides.token};
    }
    if (a_.value != nullptr) {
      values_ = Rows{a_.value + batch * a_.value_strides.batch + key_value_head * a_.value_strides.head,
                     a_.value_strides.token};
    }
    load_queries();
    std::fill(output_, output_ + rows_ * value_stride_, 0.0f);
    std::fill(softmax_, softmax_ + rows_, RunningSoftmax());
    for (int64_t key = keys.begin; key < keys.end; key += kKeyBlock) {
      const int64_t count = std::min(kKeyBlock, keys.end - key);
      if (is_hidden(key, count)) continue;
      decode(a_.packed_key, key, count, a_.head_size, key_tile_, keys_);
      decode(a_.packed_value, key, count, a_.value_size, value_tile_, values_);
      rows_ <= kMaxDirectRows ? score_directly(key, count) : score_packed(key, count);
      for (int64_t row = 0; row < rows_; ++row) {
        float* const scores = scores_ + row * kKeyBlock;
        finish_scores(a_, batch_, head(row), query(row), key, count, scores);
        const float factor = update_softmax(softmax_[row], scores, count);
        if (factor != 1) scale_row(output_ + row * value_stride_, value_stride_, factor);
      }
      rows_ <= kMaxDirectRows ? add_values_directly(key, count) : add_values_packed(key, count);
    }
    for (int64_t row = 0; row < rows_; ++row) {
      partial == nullptr ? write_row(row) : write_partial(row, partial + row * partial_size(a_));
    }
  }

  // The output of one query from its finished sums: where a sink joins in, and where a query without keys gets zeros.
  static void write_output(const Attention<T>& a, int64_t batch, int64_t head, int64_t query, RunningSoftmax softmax,
                           const float* sums) {
    const Simd<float> d;
    double sum = softmax.sum;
    if (a.sinks != nullptr) sum += std::exp(static_cast<double>(a.sinks[head]) - softmax.largest);
    const auto scale = hn::Set(d, softmax.sum == 0 ? 0.0f : static_cast<float>(1 / sum));
    const auto& strides = a.output_strides;
    T* output = a.output + batch * strides.batch + head * strides.head + query * strides.token;
    map_rows(
        output, a.value_size, [&](auto x) HWY_ATTR { return hn::Mul(x, scale); }, sums);
  }

 private:
  static constexpr int64_t kTileColumns = tile_columns<float>();

  int64_t head(int64_t row) const { return key_value_head_ * (a_.heads / a_.key_value_heads) + row / queries_; }
  int64_t query(int64_t row) const { return first_query_ + row % queries_; }
  int64_t panel_row(int64_t panel) const { return panel * rows_ / panels_; }
  int64_t panel_rows(int64_t panel) const { return panel_row(panel + 1) - panel_row(panel); }
  const T* key(int64_t key) const { return keys_.row(key); }
  const T* value(int64_t key) const { return values_.row(key); }

  // Keys or values of the head: all of them, or those from `first` on that were decoded.
  struct Rows {
    const T* data;
    int64_t stride, first = 0;

    const T* row(int64_t key) const { return data + (key - first) * stride; }
  };

  void decode(const typename Attention<T>::Packed& packed, int64_t first, int64_t count, int64_t size, float* tile,
              Rows& rows) const {
    if constexpr (std::is_same_v<T, float>) {
      if (packed.decode == nullptr) return;
      const std::byte* const head = packed.head(packed.heads, batch_, key_value_head_);
      packed.decode(packed.heads, head + first * packed.token_bytes, count, tile);
      rows = {tile, size, first};
    }
  }

  // No query of the block sees any of these keys.
  bool is_hidden(int64_t key, int64_t count) const {
    if (a_.key_lengths != nullptr && key >= a_.key_lengths[batch_]) return true;
    if (key < a_.prefix) return false;
    return visible_keys(a_, first_query_).begin >= key + count ||
           visible_keys(a_, first_query_ + queries_ - 1).end <= key;
  }

  // In float: padded with zeros to be multiplied directly, or packed as panels.
  void load_queries() {
    if (rows_ <= kMaxDirectRows) {
      load_query_rows(0, rows_, query_);
      return arrange_halves<T>(query_, rows_ * query_stride_);
    }
    for (int64_t panel = 0; panel < panels_; ++panel) {
      const int64_t row = panel_row(panel);
      load_query_rows(row, panel_rows(panel), packed_);  // not in use yet
      pack_rows(packed_, query_stride_, panel_rows(panel), a_.head_size, query_ + row * a_.head_size);
    }
  }

  void load_query_rows(int64_t first, int64_t rows, float* to) {
    for (int64_t row = first; row < first + rows; ++row, to += query_stride_) {
      const T* from = a_.query + batch_ * a_.query_strides.batch + head(row) * a_.query_strides.head +
                      query(row) * a_.query_strides.token;
      copy_row(from, to, a_.head_size);
      std::fill(to + a_.head_size, to + query_stride_, 0.0f);
    }
  }

  // The keys are cut into runs that are read side by side, as DirectGemm reads a weight; the last ones may overlap.
  void score_directly(int64_t first, int64_t count) {
    constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Simd<float>()));
    HWY_ALIGN float totals[kMaxDirectRows * kDotColumns * kLanes];
    const int64_t run = (count + kDotColumns - 1) / kDotColumns;
    for (int64_t i = 0; i < run; ++i) {
      const T* keys[kDotColumns];
      int64_t index[kDotColumns];
      for (int j = 0; j < kDotColumns; ++j) {
        index[j] = std::min(j * run, count - run) + i;
        keys[j] = key(first + index[j]);
        fetch_value(first + index[j]);
      }
      std::fill(totals, totals + rows_ * kDotColumns * kLanes, 0.0f);
      dot_rows(rows_, a_.head_size, query_, query_stride_, keys, totals);
      for (int64_t row = 0; row < rows_; ++row) {
        float sums[kDotColumns];
        add_lanes(totals + row * kDotColumns * kLanes, kDotColumns, sums);
        for (int j = 0; j < kDotColumns; ++j) scores_[row * kKeyBlock + index[j]] = sums[j];
      }
    }
  }

  // Values are added up a few columns at a time, in steps too short for the hardware to foresee. Into the second level:
  // the first could not hold a block of them until it is their turn.
  void fetch_value(int64_t key) const {
    const auto* const row = reinterpret_cast<const std::byte*>(value(key));
    const int64_t bytes = a_.value_size * static_cast<int64_t>(sizeof(T));
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(row + i, 0, 2);
  }

  void score_packed(int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i += kTileColumns) {
      pack_strip_transposed(key(first + i), keys_.stride, std::min(kTileColumns, count - i), a_.head_size, packed_);
      for (int64_t panel = 0; panel < panels_; ++panel) {
        const int64_t row = panel_row(panel);
        tile_kernel<float>(panel_rows(panel))(a_.head_size, query_ + row * a_.head_size, packed_,
                                              scores_ + row * kKeyBlock + i, kKeyBlock, false);
      }
    }
  }

  void add_values_directly(int64_t first, int64_t count) {
    // Few enough keys for their values to stay in the first-level cache while rows and columns pass over them.
    constexpr int64_t kKeys = 32;
    for (int64_t key = 0; key < count; key += kKeys) {
      const int64_t keys = std::min(kKeys, count - key);
      int64_t row = 0;
      for (; row + 2 <= rows_; row += 2) add_values_to_rows<2>(first, key, keys, row);
      if (row < rows_) add_values_to_rows<1>(first, key, keys, row);
    }
  }

  template <int kRows>
  void add_values_to_rows(int64_t first, int64_t key, int64_t count, int64_t row) {
    constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Simd<float>()));
    const int64_t stride = values_.stride;
    const float* weights = scores_ + row * kKeyBlock + key;
    const T* values = value(first + key);
    float* output = output_ + row * value_stride_;
    int64_t i = 0;
    for (; i + 4 * kLanes <= a_.value_size; i += 4 * kLanes) {
      add_weighted_values<kRows, 4>(weights, count, values + i, stride, output + i, value_stride_);
    }
    for (; i + kLanes <= a_.value_size; i += kLanes) {
      add_weighted_values<kRows, 1>(weights, count, values + i, stride, output + i, value_stride_);
    }
    for (; i < a_.value_size; ++i) {
      for (int64_t r = 0; r < kRows; ++r) {
        for (int64_t k = 0; k < count; ++k) {
          output[r * value_stride_ + i] += weights[r * kKeyBlock + k] * static_cast<float>(values[k * stride + i]);
        }
      }
    }
  }

  void add_values_packed(int64_t first, int64_t count) {
    pack_strips(value(first), values_.stride, a_.value_size, count, packed_);
    for (int64_t panel = 0; panel < panels_; ++panel) {
      const int64_t row = panel_row(panel);
      pack_rows(scores_ + row * kKeyBlock, kKeyBlock, panel_rows(panel), count, weights_ + row * count);
    }
    for (int64_t i = 0; i < a_.value_size; i += kTileColumns) {
      for (int64_t panel = 0; panel < panels_; ++panel) {
        const int64_t row = panel_row(panel);
        tile_kernel<float>(panel_rows(panel))(count, weights_ + row * count, packed_ + i * count,
                                              output_ + row * value_stride_ + i, value_stride_, true);
      }
    }
  }

  void write_row(int64_t row) {
    write_output(a_, batch_, head(row), query(row), softmax_[row], output_ + row * value_stride_);
  }

  void write_partial(int64_t row, float* partial) {
    partial[0] = softmax_[row].largest;
    partial[1] = softmax_[row].sum;
    std::copy(output_ + row * value_stride_, output_ + row * value_stride_ + a_.value_size, partial + 2);
  }

  const Attention<T>& a_;
  const int64_t query_stride_, value_stride_;
  int64_t batch_ = 0, key_value_head_ = 0, first_query_ = 0, queries_ = 0, rows_ = 0, panels_ = 0;
  float *query_, *output_, *scores_, *weights_, *packed_, *key_tile_, *value_tile_;
  Rows keys_{}, values_{};
  RunningSoftmax* softmax_;
};

// Joins the sums that several ranges of keys left for one query.
template <class T>
void merge_partials(const Attention<T>& a, int64_t batch, int64_t head, int64_t query, float* partials, int64_t parts,
                    int64_t stride) {
  RunningSoftmax total;
  float* const sums = partials + 2;
  for (int64_t part = 0; part < parts; ++part) total.largest = std::max(total.largest, partials[part * stride]);
  for (int64_t part = 0; part < parts; ++part) {
    const float* from = partials + part * stride;
    const float factor = from[1] == 0 ? 0.0f : std::exp(from[0] - total.largest);
    total.sum += from[1] * factor;
    for (int64_t i = 0; i < a.value_size; ++i) sums[i] = (part == 0 ? 0.0f : sums[i]) + from[2 + i] * factor;
  }
  AttentionBlock<T>::write_output(a, batch, head, query, total, sums);
}

// The keys that any of these queries can see.
template <class T>
KeyRange keys_in_reach(const Attention<T>& a, int64_t first_query, int64_t queries) {
  KeyRange range = {a.prefix > 0 ? 0 : visible_keys(a, first_query).begin,
                    std::max(std::min(a.prefix, a.keys), visible_keys(a, first_query + queries - 1).end)};
  range.begin = std::min(range.begin, range.end);
  return range;
}

template <class T>
void run_attention(const Attention<T>& a) {
  const int64_t group = a.heads / a.key_value_heads;
  const int64_t max_rows = std::max(int64_t{6}, std::min(kMaxBlockRows, 16384 / std::max(a.head_size, a.value_size)));
  const int64_t block_queries = std::clamp(max_rows / group, int64_t{1}, a.queries);
  const int64_t query_blocks = (a.queries + block_queries - 1) / block_queries;
  const int64_t tasks = a.batch * a.key_value_heads * query_blocks;
  // Too few tasks for the threads, as when decoding one sequence: each takes a part of the keys.
  const int64_t most_parts = std::max(int64_t{1}, a.keys / (4 * kKeyBlock));
  const int64_t parts = tasks >= 2 * num_threads() ? 1 : std::min(most_parts, 4 * num_threads() / tasks);
  const int64_t stride = AttentionBlock<T>::partial_size(a);
  const int64_t rows = block_queries * group;
  float* const partials = parts == 1 ? nullptr : partial_scratch.get<float>(tasks * rows * parts * stride);

  const auto at = [&](int64_t task, auto use) HWY_ATTR {
    const int64_t first = task % query_blocks * block_queries;
    const int64_t head = task / query_blocks % a.key_value_heads;
    use(task / query_blocks / a.key_value_heads, head, first, std::min(block_queries, a.queries - first));
  };
  const int64_t operations = rows * (a.keys / parts) * (a.head_size + a.value_size);
  const int64_t grain = 1 + (int64_t{1} << 17) / std::max(operations, int64_t{1});
  parallel_for(tasks * parts, grain, [&](int64_t begin, int64_t end) HWY_ATTR {
    AttentionBlock<T> block(a, rows);
    for (int64_t i = begin; i < end; ++i) {
      at(i / parts, [&](int64_t batch, int64_t head, int64_t first, int64_t queries) HWY_ATTR {
        const KeyRange reach = keys_in_reach(a, first, queries);
        const int64_t part = i % parts, size = reach.end - reach.begin;
        const KeyRange keys = {reach.begin + part * size / parts, reach.begin + (part + 1) * size / parts};
        block.run(batch, head, first, queries, keys, parts == 1 ? nullptr : partials + i * rows * stride);
      });
    }
  });
  if (parts == 1) return;
  for (int64_t task = 0; task < tasks; ++task) {
    at(task, [&](int64_t batch, int64_t head, int64_t first, int64_t queries) HWY_ATTR {
      for (int64_t row = 0; row < queries * group; ++row) {
        merge_partials(a, batch, head * group + row / queries, first + row % queries,
                       partials + (task * parts * rows + row) * stride, parts, rows * stride);
      }
    });
  }
}

void attention_float(const Attention<float>& a) { run_attention(a); }
void attention_bfloat16(const Attention<bfloat16>& a) { run_attention(a); }
void attention_float16(const Attention<float16>& a) { run_attention(a); }

}  // namespace
}  // namespace imago::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::kernels {

#define IMAGO_ATTENTION(T)                                                                                     \
  namespace {                                                                                                  \
  HWY_EXPORT(attention_##T);                                                                                   \
  }                                                                                                            \
  template <>                                                                                                  \
  void attention(const Attention<T>& arguments) {                                                              \
    const Attention<T>& a = arguments;                                                                         \
    if (a.batch <= 0 || a.heads <= 0 || a.key_value_heads <= 0 || a.queries <= 0 || a.value_size <= 0) return; \
    HWY_DYNAMIC_DISPATCH(attention_##T)(a);                                                                    \
  }
IMAGO_ATTENTION(float)
IMAGO_ATTENTION(bfloat16)
IMAGO_ATTENTION(float16)
#undef IMAGO_ATTENTION

}  // namespace imago::kernels
#endif
