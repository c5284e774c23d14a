// C = A B in the manner of "Anatomy of High-Performance Matrix Multiplication" (2008): A and B are copied block by
// block into the order in which the innermost loop reads them, and that loop keeps a tile of C in registers. A few rows
// times a linear layer's weight skip the copying: there the time goes into reading the weight once.
#include "imago/kernels/cpu/gemm.h"

#include <algorithm>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/gemm_untyped.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/kernels/cpu/gemm.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/kernels/cpu/gemm_finish-inl.h"
#include "imago/kernels/cpu/gemm_pack-inl.h"
#include "imago/kernels/cpu/gemm_tile-inl.h"

#ifndef IMAGO_KERNELS_CPU_GEMM_ONCE
#define IMAGO_KERNELS_CPU_GEMM_ONCE
namespace imago::kernels {
namespace {

constexpr int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Where the strip of B [k, n] from `column` on begins in the block of `size` rows at `depth`, among all strips of B.
int64_t packed_offset(int64_t column, int64_t depth, int64_t size, int64_t n, int64_t width) {
  return depth * ceil_divide(n, width) * width + column * size;
}

// Block sizes, in elements. A strip of B of kBlockDepth rows stays in the first-level cache while panels of A pass by,
// or where it is too wide for that (kStripBytes), a panel of A while strips of B do; the panels of kBlockRows rows and
// kBlockColumns columns of B share the second level.
constexpr int64_t kBlockDepth = 512;
constexpr int64_t kStripBytes = int64_t{32} << 10;
constexpr int64_t kBlockRows = 96;
constexpr int64_t kBlockColumns = 128;

// A few rows times B stored by rows are bound by reading B, which goes faster in long pieces: its blocks are wide and
// low.
constexpr int64_t kMaxWideRows = 128;
constexpr int64_t kWideBlockDepth = 128;
constexpr int64_t kWideBlockColumns = 512;
static_assert(kWideBlockDepth * kWideBlockColumns == kBlockDepth * kBlockColumns);

// A task sums up this many rows at a time at most, so that they stay in cache, and keeps its packed columns of B for
// the next rows where they are few enough.
constexpr int64_t kTaskRows = 480;
constexpr int64_t kMaxKeptElements = int64_t{1} << 20;
constexpr int64_t kMaxPackedElements = int64_t{1} << 23;  // of A at a time, for bounded memory

// Below this much work a loop is not worth waking a thread for.
constexpr int64_t kMinThreadOperations = int64_t{1} << 18;

// Up to here B is multiplied straight from where it lies.
constexpr int64_t kMaxDotRows = 16;  // if stored by columns, as a linear layer's weight
constexpr int64_t kMaxAxpyRows = 4;  // if stored by rows

// Elements of a row of A, and so of B's columns, that are multiplied at a time: little enough that what several rows of
// A read again is still in the first-level cache, which kDotElements of A share with B.
constexpr int64_t kMaxDotDepth = 512;
constexpr int64_t kDotElements = 4096;

// What is shared by the tasks of a product, and what each task has for itself. One thread may need both at once.
thread_local Scratch shared_scratch;
thread_local Scratch task_scratch;
thread_local Scratch bias_scratch;

}  // namespace
}  // namespace imago::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::kernels::HWY_NAMESPACE {
namespace {

// The product by packed blocks.
template <class T>
class BlockedGemm {
 public:
  explicit BlockedGemm(const UntypedGemm& g) : g_(g) {
    // Where B needs no packing, A would cost more than what is gained by reading it in order; but for rows that are
    // whole pages apart, whose lines evict each other from the first-level cache.
    constexpr int64_t kPageBytes = 4096;
    is_packed_ = g.packed_b.data != nullptr && g.packed_b.width == kTileColumns;
    const bool wide = !g.b.transposed && !is_packed_ && g.pack_columns == nullptr && g.m <= kMaxWideRows &&
                      g.n >= 2 * num_threads() * kWideBlockColumns;
    reads_a_ = is_packed_ && !g.a.transposed && g.a.type == ElementType::kFloat &&
               g.a.stride * static_cast<int64_t>(sizeof(T)) % kPageBytes != 0;
    block_depth_ = wide ? kWideBlockDepth : kBlockDepth;
    block_columns_ = wide ? kWideBlockColumns : kBlockColumns;
  }

  void run() {
    const int64_t row_limit =
        std::max(kBlockRows, std::min(kTaskRows * 4, kMaxPackedElements / std::max(g_.k, int64_t{1})));
    const int64_t parts = ceil_divide(g_.m, row_limit);
    for (int64_t part = 0; part < parts; ++part) run_rows(part * g_.m / parts, (part + 1) * g_.m / parts);
  }

 private:
  static constexpr int64_t kTileColumns = tile_columns<T>();

  // Rows [begin, end) of C. Panels of A are as high as a tile or one less, never a thin rest that wastes registers.
  void run_rows(int64_t begin, int64_t end) {
    row_begin_ = begin;
    rows_ = end - begin;
    panels_ = ceil_divide(rows_, kTileRows);
    if (!reads_a_) {
      packed_a_ = shared_scratch.get<T>(rows_ * g_.k);
      pack_a();
    }

    const int64_t column_tasks = ceil_divide(g_.n, block_columns_);
    const int64_t wanted = 4 * num_threads();
    const int64_t row_tasks =
        std::clamp(ceil_divide(wanted, column_tasks), int64_t{1}, std::max(int64_t{1}, rows_ / kBlockRows));
    const int64_t operations = rows_ * g_.n * g_.k / (row_tasks * column_tasks);
    const int64_t grain = 1 + kMinThreadOperations / std::max(operations, int64_t{1});
    parallel_for(row_tasks * column_tasks, grain, [&](int64_t from, int64_t to) {
      for (int64_t task = from; task < to; ++task) {
        const int64_t column = task / row_tasks * block_columns_;
        const int64_t row_task = task % row_tasks;
        run_task(row_task * panels_ / row_tasks, (row_task + 1) * panels_ / row_tasks, column,
                 std::min(block_columns_, g_.n - column));
      }
    });
  }

  int64_t panel_row(int64_t panel) const { return panel * rows_ / panels_; }
  int64_t panel_rows(int64_t panel) const { return panel_row(panel + 1) - panel_row(panel); }
  // Blocks of depth follow one another, within each the panels.
  T* packed_a(int64_t panel, int64_t depth, int64_t depth_size) const {
    return packed_a_ + depth * rows_ + depth_size * panel_row(panel);
  }

  void pack_a() {
    const int64_t grain = 1 + kMinThreadOperations / (8 * std::max(kTileRows * g_.k, int64_t{1}));
    parallel_for(panels_, grain, [&](int64_t from, int64_t to) {
      for (int64_t panel = from; panel < to; ++panel) {
        for (int64_t depth = 0; depth < g_.k; depth += block_depth_) {
          pack_panel(panel, depth, std::min(block_depth_, g_.k - depth));
        }
      }
    });
  }

  void pack_panel(int64_t panel, int64_t depth, int64_t size) {
    const int64_t row = row_begin_ + panel_row(panel);
    T* const output = packed_a(panel, depth, size);
    visit_elements<T>(g_.a.data, g_.a.type, [&](const auto* a) HWY_ATTR {
      if (g_.a.transposed) {
        pack_columns(a + depth * g_.a.stride + row, g_.a.stride, panel_rows(panel), size, output);
      } else {
        pack_rows(a + row * g_.a.stride + depth, g_.a.stride, panel_rows(panel), size, output);
      }
    });
  }

  void pack_b(int64_t column, int64_t columns, int64_t depth, int64_t size, T* output) {
    if constexpr (std::is_same_v<T, float>) {
      if (g_.pack_columns != nullptr) {
        return (*g_.pack_columns)(column, columns, depth, size, kTileColumns, output);
      }
    }
    visit_elements<T>(g_.b.data, g_.b.type, [&](const auto* b) HWY_ATTR {
      if (!g_.b.transposed) {
        return pack_strips(b + depth * g_.b.stride + column, g_.b.stride, columns, size, output);
      }
      for (int64_t i = 0; i < columns; i += kTileColumns) {
        pack_strip_transposed(b + (column + i) * g_.b.stride + depth, g_.b.stride, std::min(kTileColumns, columns - i),
                              size, output + i * size);
      }
    });
  }

  const void* packed_block(int64_t column, int64_t depth, int64_t size) const {
    return g_.packed_b.data + packed_offset(column, depth, size, g_.n, kTileColumns);
  }

  // Columns [column, column + columns) of the rows in panels [first, last).
  void run_task(int64_t first, int64_t last, int64_t column, int64_t columns) {
    const int64_t chunks = ceil_divide(panel_row(last) - panel_row(first), kTaskRows);
    const bool keep = chunks > 1 && g_.k * block_columns_ <= kMaxKeptElements;
    const int64_t packed_size = is_packed_ ? 0 : std::min(keep ? g_.k : block_depth_, g_.k) * block_columns_;
    // Sums of several blocks of depth are kept aside: the rows of a large C lie a power of two apart, and evict each
    // other from the cache before the next block adds to them.
    const bool in_place = g_.c_type == element_type<T>() && g_.k <= block_depth_;
    const int64_t most_rows = (ceil_divide(last - first, chunks) + 1) * kTileRows;
    T* const packed_b = task_scratch.get<T>(packed_size + (in_place ? 0 : most_rows * block_columns_));
    for (int64_t chunk = 0; chunk < chunks; ++chunk) {
      const int64_t begin = first + chunk * (last - first) / chunks;
      const int64_t end = first + (chunk + 1) * (last - first) / chunks;
      const int64_t top = panel_row(begin);
      T* const sums = in_place ? static_cast<T*>(g_.c) + (row_begin_ + top) * g_.ldc + column : packed_b + packed_size;
      const int64_t stride = in_place ? g_.ldc : block_columns_;
      int64_t depth = 0;
      do {  // once even if k is 0, for then the sums are zeros
        const int64_t size = std::min(block_depth_, g_.k - depth);
        const T* block = keep ? packed_b + depth * block_columns_ : packed_b;
        if (is_packed_) {
          block = static_cast<const T*>(packed_block(column, depth, size));
        } else if (!keep || chunk == 0) {
          pack_b(column, columns, depth, size, const_cast<T*>(block));
        }
        const bool add = depth > 0 || (in_place && g_.accumulate);
        multiply_blocks(begin, end, depth, size, block, columns, sums, stride, add);
        depth += block_depth_;
      } while (depth < g_.k);
      if constexpr (std::is_same_v<T, float>) {
        if (g_.epilogue != nullptr) {
          apply_epilogue(g_, sums, stride, row_begin_ + top, column, panel_row(end) - top, columns);
          continue;
        }
      }
      if (!in_place || g_.bias != nullptr) {
        finish_block(g_, sums, stride, row_begin_ + top, column, panel_row(end) - top, columns,
                     !in_place && g_.accumulate);
      }
    }
  }

  void multiply_blocks(int64_t first, int64_t last, int64_t depth, int64_t size, const T* packed_b, int64_t columns,
                       T* sums, int64_t stride, bool add) {
    constexpr int64_t kGroup = kBlockRows / kTileRows;
    const bool strip_stays = block_depth_ * kTileColumns * static_cast<int64_t>(sizeof(T)) <= kStripBytes;
    const auto multiply = [&](int64_t panel, int64_t column) HWY_ATTR {
      T* const c = sums + (panel_row(panel) - panel_row(first)) * stride + column;
      multiply_panel(panel, depth, size, packed_b + column * size, c, stride, columns - column, add);
    };
    for (int64_t group = first; group < last; group += kGroup) {
      const int64_t end = std::min(group + kGroup, last);
      if (strip_stays) {
        for (int64_t column = 0; column < columns; column += kTileColumns) {
          for (int64_t panel = group; panel < end; ++panel) multiply(panel, column);
        }
      } else {
        for (int64_t panel = group; panel < end; ++panel) {
          for (int64_t column = 0; column < columns; column += kTileColumns) multiply(panel, column);
        }
      }
    }
  }

  void multiply_panel(int64_t panel, int64_t depth, int64_t size, const T* b, T* c, int64_t stride, int64_t columns,
                      bool add) {
    if (columns >= kTileColumns) return multiply_tile_at(panel, depth, size, b, c, stride, add);
    const int64_t rows = panel_rows(panel);
    HWY_ALIGN T tile[kTileRows * kTileColumns];
    multiply_tile_at(panel, depth, size, b, tile, kTileColumns, false);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < columns; ++i) {
        c[row * stride + i] = tile[row * kTileColumns + i] + (add ? c[row * stride + i] : T{0});
      }
    }
  }

  void multiply_tile_at(int64_t panel, int64_t depth, int64_t size, const T* b, T* c, int64_t stride, bool add) {
    const int64_t rows = panel_rows(panel);
    if constexpr (std::is_same_v<T, float>) {
      if (reads_a_) {
        const auto* const a = static_cast<const float*>(g_.a.data) + (row_begin_ + panel_row(panel)) * g_.a.stride;
        return rows_tile_kernel(rows)(size, a + depth, g_.a.stride, b, c, stride, add);
      }
    }
    tile_kernel<T>(rows)(size, packed_a(panel, depth, size), b, c, stride, add);
  }

  const UntypedGemm& g_;
  bool is_packed_;  // B
  bool reads_a_;    // where it lies
  int64_t block_depth_, block_columns_;
  int64_t row_begin_ = 0, rows_ = 0, panels_ = 0;
  T* packed_a_ = nullptr;
};

// A few rows times B where it lies.
class DirectGemm {
 public:
  explicit DirectGemm(const UntypedGemm& g)
      : g_(g), depth_(std::clamp(kDotElements / g.m / kStep * kStep, kStep, kMaxDotDepth)) {}

  void run() {
    a_ = shared_scratch.get<float>(ceil_divide(g_.k, depth_) * depth_ * g_.m);
    visit_elements<float>(g_.a.data, g_.a.type, [&](const auto* a) HWY_ATTR {
      for (int64_t depth = 0; depth < g_.k; depth += depth_) {
        for (int64_t row = 0; row < g_.m; ++row) load_a(a, row, depth, std::min(depth_, g_.k - depth));
      }
    });
    visit_elements<float>(g_.b.data, g_.b.type, [&](const auto* b) HWY_ATTR {
      const int64_t grain = 1 + kMinThreadOperations / std::max(g_.m * g_.k, int64_t{1});
      if (g_.b.transposed) {
        arrange_a(b);
        parallel_for(g_.n, std::max<int64_t>(grain, kDotColumns),
                     [&](int64_t begin, int64_t end) HWY_ATTR { dot_columns(b, begin, end - begin); });
      } else {
        parallel_for(g_.n, std::max(grain, kMinAxpyColumns),
                     [&](int64_t begin, int64_t end) HWY_ATTR { axpy_columns(b, begin, end - begin); });
      }
    });
  }

 private:
  static constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Simd<float>()));
  static constexpr int64_t kStep = 64;             // a multiple of dot_tile's, on every target
  static constexpr int64_t kMinAxpyColumns = 256;  // shorter runs of B's rows waste what the memory fetches ahead

  // One block of depth after the other, within each the rows, padded with zeros.
  float* a_block(int64_t row, int64_t depth) const { return a_ + depth * g_.m + row * depth_; }

  template <class A>
  void load_a(const A* a, int64_t row, int64_t depth, int64_t size) const {
    float* const to = a_block(row, depth);
    if (g_.a.transposed) {
      for (int64_t p = 0; p < size; ++p) to[p] = static_cast<float>(a[(depth + p) * g_.a.stride + row]);
    } else {
      copy_row(a + row * g_.a.stride + depth, to, size);
    }
    std::fill(to + size, to + depth_, 0.0f);
  }

  template <class B>
  void arrange_a(const B*) const {
    arrange_halves<B>(a_, ceil_divide(g_.k, depth_) * depth_ * g_.m);
  }

  // The columns are split into as many runs as are multiplied at a time, so that each is read from one end to the
  // other. The last runs overlap where the number is no multiple.
  template <class B>
  void dot_columns(const B* b, int64_t column, int64_t columns) const {
    float* const sums = task_scratch.get<float>(g_.m * columns);
    const int64_t run = ceil_divide(columns, kDotColumns);
    int64_t strip[kDotColumns];
    for (int64_t i = 0; i < run; ++i) {
      for (int64_t j = 0; j < kDotColumns; ++j) strip[j] = std::min(j * run, columns - run) + i;
      dot_strip(b + column * g_.b.stride, strip, sums, columns);
    }
    finish_block(g_, sums, columns, 0, column, g_.m, columns, g_.accumulate);
  }

  template <class B>
  void dot_strip(const B* b, const int64_t (&strip)[kDotColumns], float* sums, int64_t stride) const {
    HWY_ALIGN float totals[kMaxDotRows * kDotColumns * kLanes];
    std::fill(totals, totals + g_.m * kDotColumns * kLanes, 0.0f);
    for (int64_t depth = 0; depth < g_.k; depth += depth_) {
      const B* from[kDotColumns];
      for (int j = 0; j < kDotColumns; ++j) from[j] = b + strip[j] * g_.b.stride + depth;
      dot_rows(g_.m, std::min(depth_, g_.k - depth), a_block(0, depth), depth_, from, totals);
    }
    for (int64_t row = 0; row < g_.m; ++row) {
      float total[kDotColumns];
      add_lanes(totals + row * kDotColumns * kLanes, kDotColumns, total);
      for (int j = 0; j < kDotColumns; ++j) sums[row * stride + strip[j]] = total[j];
    }
  }

  template <class B>
  void axpy_columns(const B* b, int64_t column, int64_t columns) const {
    float* const sums = task_scratch.get<float>(g_.m * columns);
    std::fill(sums, sums + g_.m * columns, 0.0f);
    constexpr int64_t kWidth = 1024;  // whose sums stay in the first-level cache
    for (int64_t i = 0; i < columns; i += kWidth) {
      const int64_t width = std::min(kWidth, columns - i);
      int64_t p = 0;
      for (; p + 4 <= g_.k; p += 4) axpy_rows<4>(b + column + i, p, width, sums + i, columns);
      for (; p < g_.k; ++p) axpy_rows<1>(b + column + i, p, width, sums + i, columns);
    }
    finish_block(g_, sums, columns, 0, column, g_.m, columns, g_.accumulate);
  }

  template <int kDepth, class B>
  void axpy_rows(const B* b, int64_t p, int64_t columns, float* sums, int64_t stride) const {
    const B* const from = b + p * g_.b.stride;
    const float* const a = a_block(0, p / depth_ * depth_) + p % depth_;
    int64_t row = 0;
    for (; row + 2 <= g_.m; row += 2) {
      axpy_tile<2, kDepth>(columns, a + row * depth_, depth_, from, g_.b.stride, sums + row * stride, stride);
    }
    if (row < g_.m) {
      axpy_tile<1, kDepth>(columns, a + row * depth_, depth_, from, g_.b.stride, sums + row * stride, stride);
    }
  }

  const UntypedGemm& g_;
  const int64_t depth_;
  float* a_ = nullptr;
};

// Products this small are bound by what surrounds them: summing them in double costs little, and models of a few
// thousand parameters (tests, tiny heads) get the most exact results there are.
constexpr int64_t kMaxExactOperations = int64_t{1} << 17;

bool is_small_float(const UntypedGemm& g) {
  const bool floats =
      g.a.type == ElementType::kFloat && g.b.type == ElementType::kFloat && g.c_type == ElementType::kFloat;
  return floats && !g.is_part && g.m > 1 && g.m * g.n * g.k <= kMaxExactOperations;
}

void gemm_small_float(const UntypedGemm& g) {
  constexpr int64_t kBlock = 32;  // columns whose sums are kept in registers and the nearest cache
  const auto* a = static_cast<const float*>(g.a.data);
  const auto* b = static_cast<const float*>(g.b.data);
  const auto* bias = static_cast<const float*>(g.bias);
  const int64_t a_row = g.a.transposed ? 1 : g.a.stride, a_column = g.a.transposed ? g.a.stride : 1;
  const int64_t b_row = g.b.transposed ? 1 : g.b.stride, b_column = g.b.transposed ? g.b.stride : 1;
  for (int64_t row = 0; row < g.m; ++row) {
    float* const c = static_cast<float*>(g.c) + row * g.ldc;
    for (int64_t begin = 0; begin < g.n; begin += kBlock) {
      const int64_t count = std::min(kBlock, g.n - begin);
      double sums[kBlock] = {};
      for (int64_t p = 0; p < g.k; ++p) {
        const double factor = a[row * a_row + p * a_column];
        const float* const line = b + p * b_row + begin * b_column;
        for (int64_t j = 0; j < count; ++j) sums[j] += factor * static_cast<double>(line[j * b_column]);
      }
      for (int64_t j = 0; j < count; ++j) {
        if (bias != nullptr) sums[j] += bias[begin + j];
        if (g.accumulate) sums[j] += c[begin + j];
        c[begin + j] = static_cast<float>(sums[j]);
      }
    }
  }
}

void gemm_float(const UntypedGemm& arguments) {
  if (arguments.pack_columns != nullptr || arguments.epilogue != nullptr) return BlockedGemm<float>(arguments).run();
  if (is_small_float(arguments)) return gemm_small_float(arguments);
  UntypedGemm g = arguments;
  if (g.bias != nullptr && g.b.type != ElementType::kFloat) {
    float* const bias = bias_scratch.get<float>(g.n + static_cast<int64_t>(hn::MaxLanes(Simd<float>())));
    visit_elements<float>(g.bias, g.b.type, [&](const auto* from) HWY_ATTR { copy_row(from, bias, g.n); });
    g.bias = bias;
  }
  if (g.m <= (g.b.transposed ? kMaxDotRows : kMaxAxpyRows)) return DirectGemm(g).run();
  BlockedGemm<float>(g).run();
}

void pack_columns_float(const float* b, int64_t ldb, bool transposed, int64_t k, int64_t n, float* packed) {
  constexpr int64_t kWidth = tile_columns<float>();
  parallel_for(ceil_divide(n, kWidth), 1 + kMinThreadOperations / (8 * kWidth * std::max<int64_t>(k, 1)),
               [&](int64_t strip, int64_t end) HWY_ATTR {
                 for (; strip < end; ++strip) {
                   const int64_t column = strip * kWidth, columns = std::min(kWidth, n - column);
                   for (int64_t depth = 0; depth < k; depth += kBlockDepth) {
                     const int64_t size = std::min(kBlockDepth, k - depth);
                     float* const to = packed + packed_offset(column, depth, size, n, kWidth);
                     if (transposed) {
                       pack_strip_transposed(b + column * ldb + depth, ldb, columns, size, to);
                     } else {
                       pack_strips(b + depth * ldb + column, ldb, columns, size, to);
                     }
                   }
                 }
               });
}

int64_t strip_width() { return tile_columns<float>(); }

void gemm_double(const UntypedGemm& g) { BlockedGemm<double>(g).run(); }

}  // namespace
}  // namespace imago::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::kernels {
namespace {

HWY_EXPORT(gemm_float);
HWY_EXPORT(gemm_double);
HWY_EXPORT(pack_columns_float);
HWY_EXPORT(strip_width);

}  // namespace

int64_t packed_strip_width() { return HWY_DYNAMIC_DISPATCH(strip_width)(); }

int64_t packed_size(int64_t k, int64_t n, int64_t width) { return k * ceil_divide(n, width) * width; }

void pack_columns(const float* b, int64_t ldb, bool transpose_b, int64_t k, int64_t n, float* packed) {
  HWY_DYNAMIC_DISPATCH(pack_columns_float)(b, ldb, transpose_b, k, n, packed);
}

template <class A, class B, class C>
void gemm(const Gemm<A, B, C>& arguments) {
  const Gemm<A, B, C>& g = arguments;
  if (g.m <= 0 || g.n <= 0) return;
  const auto run = [&](int64_t i) {
    const UntypedGemm product = {.m = g.m,
                                 .n = g.n,
                                 .k = std::max(g.k, int64_t{0}),
                                 .a = {g.a + i * g.stride_a, element_type<A>(), g.lda, g.transpose_a},
                                 .b = {g.b + i * g.stride_b, element_type<B>(), g.ldb, g.transpose_b},
                                 .c = g.c + i * g.stride_c,
                                 .c_type = element_type<C>(),
                                 .ldc = g.ldc,
                                 .accumulate = g.accumulate,
                                 .is_part = g.is_part,
                                 .bias = g.bias,
                                 .packed_b = g.packed_b,
                                 .pack_columns = g.pack_columns,
                                 .epilogue = g.epilogue};
    if constexpr (std::is_same_v<C, double>) {
      HWY_DYNAMIC_DISPATCH(gemm_double)(product);
    } else {
      HWY_DYNAMIC_DISPATCH(gemm_float)(product);
    }
  };
  // Many small products are shared out whole; a few large ones each use all threads.
  const int64_t operations = g.m * g.n * std::max(g.k, int64_t{1});
  if (g.batch >= 2 * num_threads() || operations < 2 * kMinThreadOperations) {
    const int64_t grain = 1 + kMinThreadOperations / operations;
    parallel_for(g.batch, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) run(i);
    });
  } else {
    for (int64_t i = 0; i < g.batch; ++i) run(i);
  }
}

#define IMAGO_GEMM(A, B)                                     \
  template void gemm(const Gemm<A, B, float>& arguments);    \
  template void gemm(const Gemm<A, B, bfloat16>& arguments); \
  template void gemm(const Gemm<A, B, float16>& arguments)
IMAGO_GEMM(float, float);
IMAGO_GEMM(float, bfloat16);
IMAGO_GEMM(float, float16);
IMAGO_GEMM(bfloat16, float);
IMAGO_GEMM(bfloat16, bfloat16);
IMAGO_GEMM(bfloat16, float16);
IMAGO_GEMM(float16, float);
IMAGO_GEMM(float16, bfloat16);
IMAGO_GEMM(float16, float16);
#undef IMAGO_GEMM
template void gemm(const Gemm<double, double, double>& arguments);

}  // namespace imago::kernels
#endif
