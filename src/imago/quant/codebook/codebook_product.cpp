#include "imago/quant/codebook/codebook_product.h"

#include <algorithm>
#include <utility>

#include "imago/base/thread_pool.h"
#include "imago/kernels/cpu/scratch.h"
#include "imago/kernels/cpu/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imago/quant/codebook/codebook_product.cpp"
#include <hwy/foreach_target.h>
// Highway's header must come after foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Floats()));
constexpr int64_t kStep = 2 * kLanes;  // elements at a time
constexpr int64_t kAhead = 4096;       // bytes: further than the hardware looks, which stops at every page

HWY_INLINE auto widen_bytes(const uint8_t* from) {
  return hn::PromoteTo(hn::Rebind<uint32_t, Floats>(), hn::LoadU(hn::Rebind<uint8_t, Floats>(), from));
}

// The values of kStep codes: of four bits those of the even elements and of the odd ones, which lie in the high and low
// halves of bytes; else the first ones and the last ones.
template <CodeKind kKind>
class Values;

template <>
class Values<CodeKind::kTable> {
 public:
  static constexpr int64_t kBytes = kLanes;

  HWY_INLINE explicit Values(const float* table)
      : low_(hn::LoadU(Floats(), table)), high_(hn::LoadU(Floats(), table + 16 - kLanes)) {}

  HWY_INLINE void operator()(const uint8_t* from, Vector& first, Vector& second) const {
    const auto bytes = widen_bytes(from);
    first = look_up(hn::ShiftRight<4>(bytes));
    second = look_up(hn::And(bytes, hn::Set(hn::DFromV<decltype(bytes)>(), 15)));
  }

 private:
  using Integers = hn::Rebind<int32_t, Floats>;

  HWY_INLINE Vector look_up(hn::Vec<hn::Rebind<uint32_t, Floats>> codes) const {
    const Floats d;
    const Integers di;
    const auto indices = hn::BitCast(di, codes);
    if constexpr (kLanes == 16) return hn::TableLookupLanes(low_, hn::IndicesFromVec(d, indices));
    const auto of_half = hn::IndicesFromVec(d, hn::And(indices, hn::Set(di, 7)));
    const auto is_high = hn::MaskFromVec(hn::BitCast(d, hn::VecFromMask(di, hn::Gt(indices, hn::Set(di, 7)))));
    return hn::IfThenElse(is_high, hn::TableLookupLanes(high_, of_half), hn::TableLookupLanes(low_, of_half));
  }

  Vector low_, high_;
};

// Of a byte each, as `Byte` reads kLanes of them.
template <class Byte>
class ByteValues {
 public:
  static constexpr int64_t kBytes = kStep;

  HWY_INLINE void operator()(const uint8_t* from, Vector& first, Vector& second) const {
    first = Byte::read(from);
    second = Byte::read(from + kLanes);
  }
};

HWY_INLINE auto widen_signed(const uint8_t* from) {
  const hn::Rebind<int8_t, Floats> d8;
  return hn::PromoteTo(hn::Rebind<int32_t, Floats>(), hn::LoadU(d8, reinterpret_cast<const int8_t*>(from)));
}

struct Integer8 {
  static HWY_INLINE Vector read(const uint8_t* from) { return hn::ConvertTo(Floats(), widen_signed(from)); }
};

struct Float8 {
  // Four bits of exponent and three of mantissa are put where a float has the lowest and the highest of its own, the
  // sign comes along at the top. What is missing is the difference of the exponents' middles, 127 - 7; numbers below
  // normal ones come out right, too.
  static HWY_INLINE Vector read(const uint8_t* from) {
    const hn::Rebind<int32_t, Floats> di;
    const auto bits = hn::And(hn::ShiftLeft<20>(widen_signed(from)), hn::Set(di, static_cast<int32_t>(0x87f00000)));
    return hn::Mul(hn::BitCast(Floats(), bits), hn::Set(Floats(), 0x1p120F));
  }
};

template <>
class Values<CodeKind::kInteger> : public ByteValues<Integer8> {
 public:
  HWY_INLINE explicit Values(const float*) {}
};

template <>
class Values<CodeKind::kFloat8> : public ByteValues<Float8> {
 public:
  HWY_INLINE explicit Values(const float*) {}
};

// Even elements of each kStep before the odd ones.
void arrange_pairs(const float* x, int64_t columns, float* to) {
  const Floats d;
  for (int64_t i = 0; i < columns; i += kStep) {
    const auto low = hn::LoadU(d, x + i), high = hn::LoadU(d, x + i + kLanes);
    hn::StoreU(hn::ConcatEven(d, high, low), d, to + i);
    hn::StoreU(hn::ConcatOdd(d, high, low), d, to + i + kLanes);
  }
}

// kWeights rows with kRows rows of x, `stride` apart.
template <int kRows, int kWeights, CodeKind kKind>
HWY_INLINE void multiply_rows(const CodeRows& w, const Values<kKind>& values, const int64_t (&row)[kWeights],
                              const float* x, int64_t stride, float (&y)[kWeights][kRows]) {
  const Floats d;
  const uint8_t* from[kWeights];
  const float* scale[kWeights];
  Vector totals[kWeights][kRows];
  for (int k = 0; k < kWeights; ++k) {
    from[k] = w.codes + row[k] * (w.columns * Values<kKind>::kBytes / kStep);
    scale[k] = w.scales + row[k] / w.rows_of_scale * w.segments;
    for (int i = 0; i < kRows; ++i) totals[k][i] = hn::Zero(d);
  }
  for (int64_t begin = 0; begin < w.columns; begin += w.segment) {
    const int64_t end = std::min(w.columns, begin + w.segment);
    Vector sums[kWeights][kRows][2];
    for (auto& of_weight : sums) {
      for (auto& of_row : of_weight) of_row[0] = of_row[1] = hn::Zero(d);
    }
    for (int64_t at = begin; at < end; at += kStep) {
      for (int k = 0; k < kWeights; ++k) {
        Vector first, second;
        values(from[k], first, second);
        __builtin_prefetch(from[k] + kAhead);
        from[k] += Values<kKind>::kBytes;
        for (int i = 0; i < kRows; ++i) {
          sums[k][i][0] = hn::MulAdd(first, hn::LoadU(d, x + i * stride + at), sums[k][i][0]);
          sums[k][i][1] = hn::MulAdd(second, hn::LoadU(d, x + i * stride + at + kLanes), sums[k][i][1]);
        }
      }
    }
    for (int k = 0; k < kWeights; ++k) {
      const auto factor = hn::Set(d, *scale[k]++);
      for (int i = 0; i < kRows; ++i) {
        totals[k][i] = hn::MulAdd(hn::Add(sums[k][i][0], sums[k][i][1]), factor, totals[k][i]);
      }
    }
  }
  for (int k = 0; k < kWeights; ++k) {
    for (int i = 0; i < kRows; ++i) y[k][i] = hn::GetLane(hn::SumOfLanes(d, totals[k][i])) * w.factor;
  }
}

#if HWY_TARGET == HWY_AVX3

// With sixteen lanes a word of eight codes is looked up by its lowest four bits, shifted on, and so on: 128 elements to
// a vector of bytes.
constexpr int64_t kWideStep = 128;

HWY_INLINE bool is_wide(const CodeRows& w) {
  return w.kind == CodeKind::kTable && w.columns % kWideStep == 0 && (w.segment >= w.columns || w.segment % 64 == 0);
}

// The elements of each kWideStep in the order of the lookups.
void arrange_wide(const float* x, int64_t columns, float* to) {
  for (int64_t i = 0; i < columns; i += kWideStep) {
    for (int64_t j = 0; j < 8; ++j) {
      // The high four bits of a byte come first in the row.
      const float* const from = x + i + (j ^ 1);
      for (int64_t lane = 0; lane < 16; ++lane) to[i + j * 16 + lane] = from[lane * 8];
    }
  }
}

template <int kRows, int kWeights>
HWY_INLINE void multiply_rows(const CodeRows& w, const __m512& table, const int64_t (&row)[kWeights], const float* x,
                              int64_t stride, float (&y)[kWeights][kRows]) {
  const uint8_t* from[kWeights];
  const float* scale[kWeights];
  __m512 totals[kWeights][kRows];
  for (int k = 0; k < kWeights; ++k) {
    from[k] = w.codes + row[k] * (w.columns / 2);
    scale[k] = w.scales + row[k] / w.rows_of_scale * w.segments;
    for (int i = 0; i < kRows; ++i) totals[k][i] = _mm512_setzero_ps();
  }
  for (int64_t at = 0; at < w.columns; at += kWideStep) {
    const int64_t first = w.segment == 64 ? at / 64 : at / w.segment;
    const int64_t second = w.segment == 64 ? first + 1 : (at + 64) / w.segment;
    for (int k = 0; k < kWeights; ++k) {
      const __m512i codes = _mm512_loadu_si512(from[k] + at / 2);
      __builtin_prefetch(from[k] + at / 2 + kAhead);
      __m512 sums[kRows][2];
      for (auto& sum : sums) sum[0] = sum[1] = _mm512_setzero_ps();
      [&]<int... kAt>(std::integer_sequence<int, kAt...>) HWY_ATTR {
        const auto add = [&]<int kShift>() HWY_ATTR {
          const __m512 values = _mm512_permutexvar_ps(_mm512_srli_epi32(codes, 4 * kShift), table);
          for (int i = 0; i < kRows; ++i) {
            const __m512 elements = _mm512_loadu_ps(x + i * stride + at + 16 * kShift);
            sums[i][kShift % 2] = _mm512_fmadd_ps(values, elements, sums[i][kShift % 2]);
          }
        };
        (add.template operator()<kAt>(), ...);
      }
      (std::make_integer_sequence<int, 8>());
      const __m512 factors =
          _mm512_mask_broadcastss_ps(_mm512_set1_ps(scale[k][first]), 0xff00, _mm_load_ss(scale[k] + second));
      for (int i = 0; i < kRows; ++i) {
        totals[k][i] = _mm512_fmadd_ps(_mm512_add_ps(sums[i][0], sums[i][1]), factors, totals[k][i]);
      }
    }
  }
  for (int k = 0; k < kWeights; ++k) {
    for (int i = 0; i < kRows; ++i) y[k][i] = _mm512_reduce_add_ps(totals[k][i]) * w.factor;
  }
}

#else

HWY_INLINE bool is_wide(const CodeRows&) { return false; }
void arrange_wide(const float*, int64_t, float*) {}

#endif

// Of some way to look values up.
template <class Lookup>
void multiply_range(const CodeRows& w, const Lookup& values, int64_t begin, int64_t end, const float* x, int64_t m,
                    int64_t stride, float* y) {
  if (m == 1) {
    // Two rows at a time that lie far apart: a core reads memory faster in two streams, and x only once.
    const int64_t half = (end - begin) / 2;
    for (int64_t r = begin; r < begin + half; ++r) {
      float both[2][1];
      multiply_rows<1, 2>(w, values, {r, r + half}, x, stride, both);
      y[r] = both[0][0];
      y[r + half] = both[1][0];
    }
    begin += 2 * half;
  }
  for (int64_t r = begin; r < end; ++r) {
    int64_t i = 0;
    const auto multiply = [&]<int kRows>() HWY_ATTR {
      float sums[1][kRows];
      multiply_rows<kRows, 1>(w, values, {r}, x + i * stride, stride, sums);
      for (int row = 0; row < kRows; ++row) y[(i + row) * w.rows + r] = sums[0][row];
      i += kRows;
    };
    while (i + 4 <= m) multiply.template operator()<4>();
    while (i + 2 <= m) multiply.template operator()<2>();
    if (i < m) multiply.template operator()<1>();
  }
}

// What columns and segments must be multiples of; 0 where there is no product.
int64_t step_elements() { return kStep; }

void multiply_code_range(const CodeRows& w, int64_t begin, int64_t end, const float* x, int64_t m, int64_t stride,
                         float* y) {
#if HWY_TARGET == HWY_AVX3
  if (is_wide(w)) return multiply_range(w, _mm512_loadu_ps(w.table), begin, end, x, m, stride, y);
#endif
  const auto by = [&](const auto& values) HWY_ATTR { multiply_range(w, values, begin, end, x, m, stride, y); };
  switch (w.kind) {
    case CodeKind::kTable: return by(Values<CodeKind::kTable>(w.table));
    case CodeKind::kInteger: return by(Values<CodeKind::kInteger>(w.table));
    case CodeKind::kFloat8: return by(Values<CodeKind::kFloat8>(w.table));
  }
}

// A row of x as the table's products want it.
void arrange(const CodeRows& w, const float* x, float* to) {
  is_wide(w) ? arrange_wide(x, w.columns, to) : arrange_pairs(x, w.columns, to);
}

#else

int64_t step_elements() { return 0; }
void arrange(const CodeRows&, const float*, float*) {}
void multiply_code_range(const CodeRows&, int64_t, int64_t, const float*, int64_t, int64_t, float*) {}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imago::quant {

HWY_EXPORT(step_elements);
HWY_EXPORT(arrange);
HWY_EXPORT(multiply_code_range);

bool multiply_codes(const CodeRows& w, const float* x, int64_t m, int64_t stride, const float* bias, float* y) {
  const int64_t step = HWY_DYNAMIC_DISPATCH(step_elements)();
  if (step == 0 || m > kMaxCodeRows || w.columns % step != 0) return false;
  if (w.segment < w.columns && w.segment % step != 0) return false;
  thread_local kernels::Scratch memory;
  if (w.kind == CodeKind::kTable) {
    float* const pairs = memory.get<float>(m * w.columns);
    for (int64_t i = 0; i < m; ++i) {
      HWY_DYNAMIC_DISPATCH(arrange)(w, x + i * stride, pairs + i * w.columns);
    }
    x = pairs;
    stride = w.columns;
  }
  const int64_t row_bytes = w.kind == CodeKind::kTable ? w.columns / 2 : w.columns;
  const int64_t grain = std::max<int64_t>((32 << 10) / row_bytes, 1);  // less is not worth waking a thread for
  parallel_for(w.rows, grain, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(multiply_code_range)(w, begin, end, x, m, stride, y);
    if (bias == nullptr) return;
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t r = begin; r < end; ++r) y[i * w.rows + r] += bias[r];
    }
  });
  return true;
}

}  // namespace imago::quant
#endif
