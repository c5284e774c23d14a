// A row of activations as the integer products read it.
#pragma once

#include <cstdint>

namespace imago::quant {

inline constexpr int64_t kRun = 32;       // elements that are rounded with a scale of their own
inline constexpr int64_t kPadding = 512;  // arrays end in zeros up to a multiple of this many elements
// Of the integers that a run is rounded to: the largest that two bytes with signs make, 127 * 256 + 127.
inline constexpr int kLargest = 32639;

// Values are 16-bit integers in the order in which weights fall out of bytes: of as many elements as a vector has
// bytes, the even ones come before the odd ones, since two neighbouring bytes of a weight are one 16-bit integer, of
// which a mask leaves the even byte and a shift the odd one. Products of bytes (vnni-inl.h) want them as high and low
// bytes instead, value = 256 * high + low: of 64 elements in their natural order the high ones, then the low ones. Or,
// for weights in the halves of bytes, of 128: the first 16 of each run of 32 and then the others, the high ones of all
// before the low ones.
struct RoundedRow {
  int16_t* values;  // [columns]
  float* scale;     // [columns / group], of the run that the group lies in
  float* sum;       // [columns / group], of the rounded values of each group
};

inline constexpr int64_t padded(int64_t columns) { return (columns + kPadding - 1) / kPadding * kPadding; }

}  // namespace imago::quant
