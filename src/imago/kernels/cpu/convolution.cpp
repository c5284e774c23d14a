#include "imago/kernels/cpu/convolution.h"

#include <algorithm>
#include <atomic>
#include <optional>

#include "imago/kernels/cpu/scratch.h"
#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/kernels/cpu/convolution.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

#include "imago/kernels/cpu/load_store-inl.h"

#ifndef IMAGO_KERNELS_CPU_CONVOLUTION_ONCE
#define IMAGO_KERNELS_CPU_CONVOLUTION_ONCE
namespace imago::kernels {
namespace {

thread_local Scratch index_scratch;
thread_local Scratch source_scratch;

// Whose inputs the two hold: the number of a convolution, and a column that always has the same ones behind it.
struct FoundInputs {
  uint64_t convolution = 0;
  int64_t column = 0;
  const int32_t* index = nullptr;
  const void* sources = nullptr;
};
thread_local FoundInputs found_inputs;
std::atomic<uint64_t> convolutions = 0;

}  // namespace
}  // namespace imago::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace imago::kernels::HWY_NAMESPACE {
namespace {

// Gathers blocks of the matrix [channels * taps, positions].
class ColumnGatherer {
 public:
  explicit ColumnGatherer(const Convolution& c)
      : c_(c), g_(c.geometry), taps_(c.geometry.taps()), serial_(convolutions.fetch_add(1) + 1) {}

  void pack(int64_t column, int64_t columns, int64_t depth, int64_t size, int64_t width, float* strips) const {
    const int64_t strip_vectors = width / kLanes, strip_count = (columns + width - 1) / width;
    const int64_t vectors = strip_count * strip_vectors;
    if (found_inputs.convolution != serial_ || found_inputs.column != column) {  // not those of another depth
      int32_t* const lanes = index_scratch.get<int32_t>(taps_ * vectors * kLanes);
      Source* const found = source_scratch.get<Source>(taps_ * vectors);
      find_inputs(column, columns, vectors, lanes, found);
      found_inputs = {serial_, column, lanes, found};
    }
    const int32_t* const index = found_inputs.index;
    const auto* const sources = static_cast<const Source*>(found_inputs.sources);
    for (int64_t p = 0; p < size; ++p) {
      const int64_t channel = (depth + p) / taps_, tap = (depth + p) % taps_;
      const float* const x = c_.x + channel * g_.input_size();
      const Source* const source = sources + tap * vectors;
      const int32_t* const lanes = index + tap * vectors * kLanes;
      float* to = strips + p * width;
      for (int64_t v = 0, strip = 0; strip < strip_count; ++strip, to += (size - 1) * width) {
        for (int64_t i = 0; i < strip_vectors; ++i, ++v, to += kLanes) copy(x, source[v], lanes + v * kLanes, to);
      }
    }
  }

 private:
  static constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Simd<float>()));

  // Where the lanes of a vector come from.
  struct Source {
    enum class Kind : uint8_t { kRun, kTwoRuns, kEverySecond, kScattered };
    Kind kind;
    // Lane i of a run comes from first + i, and from first + 2 i where it is every second input; those of another run
    // behind it from second + i.
    int32_t first, second;
  };
  using Kind = typename Source::Kind;

  // The index of a lane that meets the padding: its distance to any run is none that a run has.
  static constexpr int32_t kPadding = -(int32_t{1} << 30);

  static void copy(const float* x, const Source& source, const int32_t* lanes, float* to) {
    const Simd<float> d;
    if (source.kind == Kind::kRun) return hn::Store(hn::LoadU(d, x + source.first), d, to);
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2  // whose masked loads touch nothing that is masked out
    if (source.kind == Kind::kEverySecond) {
      const auto low = hn::LoadU(d, x + source.first), high = hn::LoadU(d, x + source.first + kLanes);
      return hn::Store(hn::ConcatEven(d, high, low), d, to);
    }
#endif
    const hn::RebindToSigned<decltype(d)> di;
    const auto index = hn::Load(di, lanes);
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
    if (source.kind == Kind::kTwoRuns) {
      const auto start = hn::Sub(index, hn::Iota(di, 0));
      const auto in_first = hn::RebindMask(d, hn::Eq(start, hn::Set(di, source.first)));
      const auto in_second = hn::RebindMask(d, hn::Eq(start, hn::Set(di, source.second)));
      const auto first = hn::MaskedLoad(in_first, d, x + source.first);
      return hn::Store(hn::Or(first, hn::MaskedLoad(in_second, d, x + source.second)), d, to);
    }
#endif
    const auto inside = hn::RebindMask(d, hn::Gt(index, hn::Set(di, -1)));
    hn::Store(hn::IfThenElseZero(inside, hn::GatherIndex(d, x, hn::Max(index, hn::Zero(di)))), d, to);
  }

  // The input within its channel that each tap meets at each position from `column` on, or kPadding.
  void find_inputs(int64_t column, int64_t columns, int64_t vectors, int32_t* index, Source* sources) const {
    for (int64_t tap = 0; tap < taps_; ++tap) {
      const ConvolutionGeometry::Sizes taps{tap / (g_.kernel[1] * g_.kernel[2]), tap / g_.kernel[2] % g_.kernel[1],
                                            tap % g_.kernel[2]};
      int32_t* const lanes = index + tap * vectors * kLanes;
      int64_t at0 = column / (g_.output[1] * g_.output[2]), at1 = column / g_.output[2] % g_.output[1],
              at2 = column % g_.output[2];
      for (int64_t j = 0; j < vectors * kLanes; ++j) {
        const int64_t i0 = at0 * g_.stride[0] + taps[0] * g_.dilation[0] - g_.padding[0];
        const int64_t i1 = at1 * g_.stride[1] + taps[1] * g_.dilation[1] - g_.padding[1];
        const int64_t i2 = at2 * g_.stride[2] + taps[2] * g_.dilation[2] - g_.padding[2];
        const bool inside =
            j < columns && i0 >= 0 && i0 < g_.input[0] && i1 >= 0 && i1 < g_.input[1] && i2 >= 0 && i2 < g_.input[2];
        lanes[j] = inside ? static_cast<int32_t>((i0 * g_.input[1] + i1) * g_.input[2] + i2) : kPadding;
        if (++at2 == g_.output[2]) {
          at2 = 0;
          if (++at1 == g_.output[1]) at1 = 0, ++at0;
        }
      }
      for (int64_t v = 0; v < vectors; ++v) sources[tap * vectors + v] = source_of(lanes + v * kLanes);
    }
  }

  Source source_of(const int32_t* lanes) const {
    int64_t first = 0;
    while (first < kLanes && lanes[first] < 0) ++first;
    if (first == kLanes) return {Kind::kTwoRuns, 0, 0};  // nothing but padding: both runs are empty
    const int32_t start = lanes[first] - static_cast<int32_t>(first);
    bool is_run = true, is_second = true, are_two = true;
    std::optional<int32_t> other;
    for (int32_t i = 0; i < kLanes; ++i) {
      is_run = is_run && lanes[i] == start + i;
      is_second = is_second && lanes[i] == lanes[0] + 2 * i;
      if (lanes[i] < 0 || lanes[i] == start + i) continue;
      if (!other) other = lanes[i] - i;
      are_two = are_two && lanes[i] == *other + i;
    }
    if (is_run) return {Kind::kRun, start, 0};
    // Two vectors are read for every second input of the first.
    if (is_second && lanes[0] + 2 * kLanes <= g_.input_size()) return {Kind::kEverySecond, lanes[0], 0};
    if (are_two) return {Kind::kTwoRuns, start, other.value_or(start)};
    return {Kind::kScattered, 0, 0};
  }

  const Convolution& c_;
  const ConvolutionGeometry& g_;
  const int64_t taps_;
  const uint64_t serial_;
};

void convolve_float(const Convolution& c) {
  Gemm<float, float, float> gemm;
  gemm.m = c.out;
  gemm.n = c.geometry.output_size();
  gemm.k = c.in * c.geometry.taps();
  gemm.a = c.weight;
  gemm.lda = gemm.k;
  gemm.b = c.x;
  gemm.ldb = gemm.n;
  gemm.c = c.y;
  gemm.ldc = gemm.n;
  gemm.epilogue = &c.epilogue;
  const ColumnGatherer gatherer(c);
  const auto pack = [&](int64_t column, int64_t columns, int64_t depth, int64_t size, int64_t width, float* strips) {
    gatherer.pack(column, columns, depth, size, width, strips);
  };
  const PackColumns pack_columns(pack);
  if (!c.geometry.is_pointwise()) gemm.pack_columns = &pack_columns;
  kernels::gemm(gemm);
}

}  // namespace
}  // namespace imago::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::kernels {
namespace {

HWY_EXPORT(convolve_float);

}  // namespace

void convolve(const Convolution& convolution) { HWY_DYNAMIC_DISPATCH(convolve_float)(convolution); }

}  // namespace imago::kernels
#endif
