// What formats unpack their blocks with, compiled once per target. Included by quant/<format>/<format>.cpp.
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

HWY_BEFORE_NAMESPACE();
namespace imago::quant {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls unpack(block, q, scale, offset) for each block with the place of its groups.
template <class F, class Unpack>
HWY_INLINE void for_each_block(const std::byte* from, int64_t blocks, int8_t* HWY_RESTRICT q, float* HWY_RESTRICT scale,
                               float* HWY_RESTRICT offset, Unpack unpack) {
  constexpr int64_t kGroups = F::kElements / F::kGroup;
  const auto* block = reinterpret_cast<const typename F::Block*>(from);
  for (int64_t i = 0; i < blocks; ++i) {
    unpack(block[i], q + i * F::kElements, scale + i * kGroups, offset + i * kGroups);
  }
}

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// The low halves of `count` bytes and the high ones, each less `zero`.
HWY_INLINE void unpack_nibbles(const uint8_t* bytes, int count, int8_t zero, int8_t* low, int8_t* high) {
  for (int i = 0; i < count; ++i) low[i] = static_cast<int8_t>((bytes[i] & 15) - zero);
  for (int i = 0; i < count; ++i) high[i] = static_cast<int8_t>((bytes[i] >> 4) - zero);
}

// Of 16 bytes, each half standing for one of 16 values.
HWY_INLINE void look_up_nibbles(const uint8_t* bytes, const int8_t* table, int8_t* low, int8_t* high) {
  for (int i = 0; i < 16; ++i) low[i] = table[bytes[i] & 15];
  for (int i = 0; i < 16; ++i) high[i] = table[bytes[i] >> 4];
}

// 32 values of 5 bits, less `zero`: halves of 16 bytes and, for each value, a bit of a little-endian word.
HWY_INLINE void unpack_fives(const uint8_t* nibbles, const uint8_t* fifth_bits, int8_t zero, int8_t* q) {
  unpack_nibbles(nibbles, 16, zero, q, q + 16);
  for (int i = 0; i < 32; ++i) q[i] = static_cast<int8_t>(q[i] + ((fifth_bits[i / 8] >> (i % 8) & 1) << 4));
}

// 32 values, bits [shift, shift + width) of 32 bytes.
template <int kWidth>
HWY_INLINE void unpack_bits(const uint8_t* bytes, int shift, int8_t* q) {
  for (int i = 0; i < 32; ++i) q[i] = static_cast<int8_t>(bytes[i] >> shift & ((1 << kWidth) - 1));
}

// Adds bits [shift, shift + width) of 32 bytes above the kLow bits there are, and takes `zero` away.
template <int kWidth, int kLow>
HWY_INLINE void add_high_bits(const uint8_t* bytes, int shift, int8_t zero, int8_t* q) {
  int8_t high[32];
  unpack_bits<kWidth>(bytes, shift, high);
  for (int i = 0; i < 32; ++i) q[i] = static_cast<int8_t>(q[i] + (high[i] << kLow) - zero);
}

#else

// The same sixteen bytes at a time.
using Bytes = hn::CappedTag<uint8_t, 16>;
using SignedBytes = hn::CappedTag<int8_t, 16>;

HWY_INLINE void unpack_nibbles(const uint8_t* bytes, int count, int8_t zero, int8_t* low, int8_t* high) {
  const Bytes d;
  const SignedBytes di;
  const auto shift = hn::Set(di, zero);
  const hn::Repartition<uint16_t, Bytes> d16;
  const auto mask = hn::Set(d, uint8_t{15});
  for (int i = 0; i < count; i += 16) {
    const auto both = hn::LoadU(d, bytes + i);
    const auto upper = hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(d16, both))), mask);
    hn::StoreU(hn::Sub(hn::BitCast(di, hn::And(both, mask)), shift), di, low + i);
    hn::StoreU(hn::Sub(hn::BitCast(di, upper), shift), di, high + i);
  }
}

HWY_INLINE void look_up_nibbles(const uint8_t* bytes, const int8_t* table, int8_t* low, int8_t* high) {
  const Bytes d;
  const SignedBytes di;
  const hn::Repartition<uint16_t, Bytes> d16;
  const auto mask = hn::Set(d, uint8_t{15});
  const auto values = hn::LoadU(di, table);
  const auto both = hn::LoadU(d, bytes);
  const auto upper = hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(d16, both))), mask);
  hn::StoreU(hn::TableLookupBytes(values, hn::BitCast(di, hn::And(both, mask))), di, low);
  hn::StoreU(hn::TableLookupBytes(values, hn::BitCast(di, upper)), di, high);
}

HWY_INLINE void unpack_fives(const uint8_t* nibbles, const uint8_t* fifth_bits, int8_t zero, int8_t* q) {
  const Bytes d;
  const SignedBytes di;
  const hn::Repartition<uint32_t, Bytes> d32;
  alignas(16) static constexpr uint8_t kByteOf[32] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                                      2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3};
  alignas(16) static constexpr uint8_t kBitOf[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  unpack_nibbles(nibbles, 16, zero, q, q + 16);
  uint32_t word;
  std::memcpy(&word, fifth_bits, sizeof(word));
  const auto words = hn::BitCast(d, hn::Set(d32, word)), bit = hn::Load(d, kBitOf);
  for (int half = 0; half < 2; ++half) {
    const auto spread = hn::TableLookupBytes(words, hn::Load(d, kByteOf + 16 * half));
    const auto set = hn::VecFromMask(d, hn::Eq(hn::And(spread, bit), bit));
    const auto sixteen = hn::BitCast(di, hn::And(set, hn::Set(d, uint8_t{16})));
    hn::StoreU(hn::Add(hn::LoadU(di, q + 16 * half), sixteen), di, q + 16 * half);
  }
}

template <int kWidth>
HWY_INLINE void unpack_bits(const uint8_t* bytes, int shift, int8_t* q) {
  const Bytes d;
  const hn::Repartition<uint16_t, Bytes> d16;
  const auto mask = hn::Set(d, static_cast<uint8_t>((1 << kWidth) - 1));
  for (int i = 0; i < 32; i += 16) {
    const auto shifted = hn::ShiftRightSame(hn::BitCast(d16, hn::LoadU(d, bytes + i)), shift);
    hn::StoreU(hn::BitCast(hn::RebindToSigned<Bytes>(), hn::And(hn::BitCast(d, shifted), mask)),
               hn::RebindToSigned<Bytes>(), q + i);
  }
}

template <int kWidth, int kLow>
HWY_INLINE void add_high_bits(const uint8_t* bytes, int shift, int8_t zero, int8_t* q) {
  const SignedBytes di;
  int8_t high[32];
  unpack_bits<kWidth>(bytes, shift, high);
  const hn::Repartition<uint16_t, Bytes> d16;
  for (int i = 0; i < 32; i += 16) {
    const auto raised = hn::BitCast(di, hn::ShiftLeft<kLow>(hn::BitCast(d16, hn::LoadU(di, high + i))));
    hn::StoreU(hn::Sub(hn::Add(hn::LoadU(di, q + i), raised), hn::Set(di, zero)), di, q + i);
  }
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace imago::quant
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
