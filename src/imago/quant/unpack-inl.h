// What formats unpack their blocks with, compiled once per target. Included by quant/<format>/<format>.cpp, which
// describes its blocks by a struct
//
//   struct UnpackQ4_K {
//     using Format = Q4_K;
//     static constexpr int kZero = 0;      // what is taken away from each value
//     using Value = uint8_t;               // of the values before that; int8_t where they have a sign already
//     static void factors(const Block& block, float* scale, float* offset);       // of each group
//     template <int kAt> static Vec<Bytes> values(const Block& block);            // as many as Bytes has lanes, from
//     kAt
//     // For AVX-512, where the two halves of 64 values do not make good vectors of their own: 64 values from kAt, of
//     // blocks of 32 those of two. Or, where runs of 32 values lie in the low and high halves of 16 bytes each, four
//     // runs at a time, the first 16 values of each and then the others.
//     template <int kAt> static __m512i wide_values(const Block* block);
//     template <int kAt> static void halves(const Block* block, __m512i& low, __m512i& high);
//     // The factors of sixteen groups, where they are more than block.scale and perhaps block.minimum, float16 both.
//     static void wide_factors(const Block* block, __m512& scales, __m512& offsets);
//   };
//
// From it come the functions that decode blocks and that multiply them (kernels_of).
#if defined(IMAGO_QUANT_UNPACK_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGO_QUANT_UNPACK_INL_H
#undef IMAGO_QUANT_UNPACK_INL_H
#else
#define IMAGO_QUANT_UNPACK_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "imago/quant/format.h"
#include "imago/quant/round_row-inl.h"
#include "imago/quant/scale.h"
#include "imago/quant/vnni-inl.h"
#include "imago/quant/vnni.h"
#include "imago/quant/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE float widen_scale(float16 scale) {
#if HWY_TARGET == HWY_SCALAR
  return widen(scale);
#else
  const hn::CappedTag<uint16_t, 4> d;
  const hn::Rebind<float, decltype(d)> df;
  const hn::Rebind<hwy::float16_t, decltype(d)> dh;
  return hn::GetLane(hn::PromoteTo(df, hn::BitCast(dh, hn::Set(d, scale.bits))));
#endif
}

#if HWY_TARGET != HWY_SCALAR

inline constexpr int kBytes = static_cast<int>(hn::MaxLanes(Bytes()));
using ByteVector = hn::Vec<Bytes>;
using Words = hn::Repartition<uint16_t, Bytes>;

// Bits [kFrom, kFrom + kWidth) of each byte, moved to kTo.
template <int kWidth, int kFrom, int kTo = 0>
HWY_INLINE ByteVector take_bits(const uint8_t* bytes) {
  const Bytes d;
  const auto words = hn::BitCast(Words(), hn::LoadU(d, bytes));
  const auto mask = hn::Set(d, static_cast<uint8_t>(((1 << kWidth) - 1) << kTo));
  if constexpr (kFrom > kTo) return hn::And(hn::BitCast(d, hn::ShiftRight<kFrom - kTo>(words)), mask);
  if constexpr (kFrom < kTo) return hn::And(hn::BitCast(d, hn::ShiftLeft<kTo - kFrom>(words)), mask);
  if constexpr (kFrom == kTo) return hn::And(hn::BitCast(d, words), mask);
}

// Of 32 values in the halves of 16 bytes, the low ones first, those from kAt.
template <int kAt>
HWY_INLINE ByteVector take_nibbles(const uint8_t* bytes) {
  if constexpr (kBytes == 32) {
    const Bytes d;
    const hn::Repartition<uint32_t, Bytes> d32;
    alignas(32) static constexpr uint32_t kShifts[8] = {0, 0, 0, 0, 4, 4, 4, 4};
    const auto both = hn::BitCast(d32, hn::LoadDup128(d, bytes));
    return hn::And(hn::BitCast(d, hn::Shr(both, hn::Load(d32, kShifts))), hn::Set(d, uint8_t{15}));
  } else {
    return take_bits<4, kAt / 4>(bytes);
  }
}

// 16 where the bit of a value is set, of 32 values and their bits in a little-endian word.
template <int kAt>
HWY_INLINE ByteVector take_fifth_bits(const uint8_t* bits) {
  const Bytes d;
  const hn::Repartition<uint32_t, Bytes> d32;
  alignas(32) static constexpr uint8_t kByteOf[32] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                                      2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3};
  alignas(32) static constexpr uint8_t kBitOf[32] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
                                                     1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint32_t word;
  std::memcpy(&word, bits, sizeof(word));
  const auto bit = hn::Load(d, kBitOf);
  const auto spread = hn::TableLookupBytes(hn::BitCast(d, hn::Set(d32, word)), hn::Load(d, kByteOf + kAt));
  return hn::And(hn::VecFromMask(d, hn::Eq(hn::And(spread, bit), bit)), hn::Set(d, uint8_t{16}));
}

HWY_INLINE ByteVector look_up(const int8_t* table, ByteVector indices) {
  const hn::RebindToSigned<Bytes> d;
  return hn::BitCast(Bytes(), hn::TableLookupBytes(hn::LoadDup128(d, table), hn::BitCast(d, indices)));
}

HWY_INLINE ByteVector load_bytes(const uint8_t* bytes) { return hn::LoadU(Bytes(), bytes); }
HWY_INLINE ByteVector join(ByteVector a, ByteVector b) { return hn::Or(a, b); }

template <class U, int kAt>
HWY_INLINE void store_values(const typename U::Format::Block& block, int8_t* q) {
  const hn::RebindToSigned<Bytes> d;
  const auto values = hn::BitCast(d, U::template values<kAt>(block));
  hn::StoreU(hn::Sub(values, hn::Set(d, static_cast<int8_t>(U::kZero))), d, q + kAt);
}

#else

// The same in plain code.
inline constexpr int kBytes = 16;
struct ByteVector {
  uint8_t lanes[kBytes];
};

template <class Function>
HWY_INLINE ByteVector each_byte(Function function) {
  ByteVector result;
  for (int i = 0; i < kBytes; ++i) result.lanes[i] = static_cast<uint8_t>(function(i));
  return result;
}

template <int kWidth, int kFrom, int kTo = 0>
HWY_INLINE ByteVector take_bits(const uint8_t* bytes) {
  return each_byte([&](int i) { return (bytes[i] >> kFrom & ((1 << kWidth) - 1)) << kTo; });
}

template <int kAt>
HWY_INLINE ByteVector take_nibbles(const uint8_t* bytes) {
  return take_bits<4, kAt / 4>(bytes);
}

template <int kAt>
HWY_INLINE ByteVector take_fifth_bits(const uint8_t* bits) {
  return each_byte([&](int i) { return (bits[(kAt + i) / 8] >> (i % 8) & 1) << 4; });
}

HWY_INLINE ByteVector look_up(const int8_t* table, ByteVector indices) {
  return each_byte([&](int i) { return table[indices.lanes[i]]; });
}

HWY_INLINE ByteVector load_bytes(const uint8_t* bytes) {
  return each_byte([&](int i) { return bytes[i]; });
}

HWY_INLINE ByteVector join(ByteVector a, ByteVector b) {
  return each_byte([&](int i) { return a.lanes[i] | b.lanes[i]; });
}

template <class U, int kAt>
HWY_INLINE void store_values(const typename U::Format::Block& block, int8_t* q) {
  const ByteVector values = U::template values<kAt>(block);
  for (int i = 0; i < kBytes; ++i) q[kAt + i] = static_cast<int8_t>(values.lanes[i] - U::kZero);
}

#endif

// to[i] = common * integers[i], for a multiple of eight.
template <class T>
HWY_INLINE void scale_integers(const T* integers, int count, float common, float* to) {
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < count; ++i) to[i] = common * static_cast<float>(integers[i]);
#else
  const hn::CappedTag<float, 8> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<T, decltype(df)> d;
  for (int i = 0; i < count; i += static_cast<int>(hn::MaxLanes(df))) {
    const auto wide = hn::ConvertTo(df, hn::PromoteTo(di, hn::LoadU(d, integers + i)));
    hn::StoreU(hn::Mul(wide, hn::Set(df, common)), df, to + i);
  }
#endif
}

template <class U>
void unpack_blocks(const std::byte* from, int64_t blocks, int8_t* HWY_RESTRICT q, float* HWY_RESTRICT scale,
                   float* HWY_RESTRICT offset) {
  using F = typename U::Format;
  constexpr int64_t kGroups = F::kElements / F::kGroup;
  const auto* block = reinterpret_cast<const typename F::Block*>(from);
  for (int64_t i = 0; i < blocks; ++i) {
    U::factors(block[i], scale + i * kGroups, offset + i * kGroups);
    [&]<int... kVector>(std::integer_sequence<int, kVector...>) HWY_ATTR {
      (store_values<U, kVector * kBytes>(block[i], q + i * F::kElements), ...);
    }
    (std::make_integer_sequence<int, F::kElements / kBytes>());
  }
}

#if HWY_TARGET != HWY_SCALAR

// The sums of a row's products with x, lane by lane. Two are kept, since each addition waits for the one before.
template <class U>
class RowSums {
 public:
  using F = typename U::Format;
  using Block = typename F::Block;
  static constexpr int64_t kGroupsOfBlock = F::kElements / F::kGroup;
  // So many blocks at a time that vectors of factors are full.
  static constexpr int64_t kStep = 256 / F::kElements;
  static constexpr int64_t kGroups = kStep * kGroupsOfBlock;

  // No default initializers: GCC compiles the constructor that they make without the target's instructions.
  HWY_INLINE RowSums() { sums_[0] = sums_[1] = shifts_ = hn::Zero(df_); }

  // `count` blocks, at most kStep, and the groups of x from `group`.
  HWY_INLINE void add_blocks(const Block* block, int64_t count, const RoundedRow& x, int64_t group) {
    HWY_ALIGN float scale[kGroups], offset[kGroups];
    if (count < kStep) {
      std::fill_n(scale, kGroups, 0.0F);
      std::fill_n(offset, kGroups, 0.0F);
    }
    for (int64_t i = 0; i < count; ++i) {
      U::factors(block[i], scale + i * kGroupsOfBlock, offset + i * kGroupsOfBlock);
    }
    for (int64_t g = 0; g < kGroups; g += kFloats) {
      const auto factor = hn::Load(df_, scale + g);
      if (F::kHasOffset || U::kZero != 0) {
        const auto shift = F::kHasOffset ? hn::Load(df_, offset + g) : factor;
        shifts_ = hn::MulAdd(shift, hn::LoadU(df_, x.sum + group + g), shifts_);
      }
      hn::Store(hn::Mul(factor, hn::LoadU(df_, x.scale + group + g)), df_, scale + g);
    }
    keep_in_memory(scale);
    const int16_t* values = x.values + group * F::kGroup;
    for (int64_t i = 0; i < count; ++i) {
      add_block(block[i], scale + i * kGroupsOfBlock, values + i * F::kElements, sums_[i % 2], sums_[(i + 1) % 2],
                std::make_integer_sequence<int, F::kElements / kBytes>());
    }
  }

  HWY_INLINE float total() const {
    static_assert(!F::kHasOffset || U::kZero == 0);
    const auto shifts = U::kZero == 0 ? shifts_ : hn::Mul(shifts_, hn::Set(df_, static_cast<float>(-U::kZero)));
    return hn::GetLane(hn::SumOfLanes(df_, hn::Add(shifts, hn::Add(sums_[0], sums_[1]))));
  }

 private:
  using D16 = hn::Repartition<int16_t, Bytes>;
  using D32 = hn::Repartition<int32_t, Bytes>;
  using DF = hn::Repartition<float, Bytes>;
  static constexpr int64_t kFloats = static_cast<int64_t>(hn::MaxLanes(DF()));

  template <int... kVector>
  HWY_INLINE void add_block(const Block& block, const float* factor, const int16_t* x, hn::Vec<DF>& sum0,
                            hn::Vec<DF>& sum1, std::integer_sequence<int, kVector...>) {
    (add_vector<kVector * kBytes>(block, factor, x, kVector % 2 == 0 ? sum0 : sum1), ...);
  }

  template <int kAt>
  HWY_INLINE void add_vector(const Block& block, const float* factor, const int16_t* x, hn::Vec<DF>& sum) {
    const D16 d16;
    const D32 d32;
    const auto bytes = U::template values<kAt>(block);
    const auto [even, odd] = split(bytes);
    auto low = hn::Zero(d32), high = hn::Zero(d32);
    low = hn::ReorderWidenMulAccumulate(d32, even, hn::LoadU(d16, x + kAt), low, high);
    low = hn::ReorderWidenMulAccumulate(d32, odd, hn::LoadU(d16, x + kAt + kBytes / 2), low, high);
    const auto products = hn::ConvertTo(df_, hn::Add(low, high));
    sum = hn::MulAdd(products, broadcast_factors<F::kGroup>(factor + kAt / F::kGroup), sum);
  }

  struct Split {
    hn::Vec<D16> even, odd;
  };
  static HWY_INLINE Split split(ByteVector bytes) {
    const D16 d16;
    if constexpr (std::is_signed_v<typename U::Value>) {
      const auto words = hn::BitCast(d16, bytes);
      return {hn::ShiftRight<8>(hn::ShiftLeft<8>(words)), hn::ShiftRight<8>(words)};
    } else {
      const Words d;
      const auto words = hn::BitCast(d, bytes);
      return {hn::BitCast(d16, hn::And(words, hn::Set(d, uint16_t{255}))), hn::BitCast(d16, hn::ShiftRight<8>(words))};
    }
  }

  const DF df_{};
  hn::Vec<DF> sums_[2], shifts_;
};

// y[r] = row r . x, for `rows` rows of `blocks` blocks.
template <class U>
void multiply_row(const std::byte* from, int64_t rows, int64_t blocks, const RoundedRow& x, float* y) {
  using Sums = RowSums<U>;
  constexpr int64_t kAhead = 1024;  // bytes: further than the hardware looks, which stops at every page
  const auto* block = reinterpret_cast<const typename U::Format::Block*>(from);
  for (int64_t r = 0; r < rows; ++r, block += blocks) {
    Sums sums;
    for (int64_t i = 0; i < blocks; i += Sums::kStep) {
      const auto* bytes = reinterpret_cast<const char*>(block + i) + kAhead;
      for (size_t line = 0; line < Sums::kStep * sizeof(*block); line += 64) __builtin_prefetch(bytes + line);
      if (blocks - i >= Sums::kStep) {
        sums.add_blocks(block + i, Sums::kStep, x, i * Sums::kGroupsOfBlock);
      } else {
        sums.add_blocks(block + i, blocks - i, x, i * Sums::kGroupsOfBlock);
      }
    }
    y[r] = sums.total();
  }
}

#else

template <class U>
void multiply_row(const std::byte* from, int64_t rows, int64_t blocks, const RoundedRow& x, float* y) {
  using F = typename U::Format;
  constexpr int64_t kGroups = F::kElements / F::kGroup;
  for (int64_t r = 0; r < rows; ++r) {
    float sum = 0;
    for (int64_t i = 0; i < blocks; ++i, from += sizeof(typename F::Block)) {
      int8_t q[F::kElements];
      float scale[kGroups], offset[kGroups];
      unpack_blocks<U>(from, 1, q, scale, offset);
      const int16_t* values = x.values + i * F::kElements;
      for (int64_t g = 0; g < kGroups; ++g) {
        int32_t products = 0;
        for (int64_t j = g * F::kGroup; j < (g + 1) * F::kGroup; ++j) products += q[j] * values[j];
        sum += scale[g] * x.scale[i * kGroups + g] * static_cast<float>(products);
        if (F::kHasOffset) sum += offset[g] * x.sum[i * kGroups + g];
      }
    }
    y[r] = sum;
  }
}

#endif

template <class U>
GroupKernels kernels_of() {
#if HWY_TARGET == HWY_AVX3
  if (has_vnni()) {
    constexpr auto kRound = vnni::kHalves<U> ? round_row_halves : round_row_bytes;
    return {unpack_blocks<U>, kRound, vnni::multiply_row<U>, vnni::multiply_rows<U>};
  }
#endif
  return {unpack_blocks<U>, round_row, multiply_row<U>, nullptr};
}

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
