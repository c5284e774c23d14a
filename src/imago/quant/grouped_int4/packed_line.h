// Values of few bits in words, as several layouts of the Hub have them.
#pragma once

#include <cstdint>

namespace imago::quant {

// Values of so many bits follow one another through the words of a line, the first in the lowest bits; of 3 bits some
// lie across the border of two words.
class PackedLine {
 public:
  // Words lie `stride` apart.
  PackedLine(const int32_t* words, int64_t stride, int64_t bits) : words_(words), stride_(stride), bits_(bits) {}
  uint8_t operator[](int64_t index) const {
    const int64_t bit = index * bits_, word = bit / 32, shift = bit % 32;
    uint64_t pair = static_cast<uint32_t>(words_[word * stride_]);
    if (shift + bits_ > 32) pair |= static_cast<uint64_t>(static_cast<uint32_t>(words_[(word + 1) * stride_])) << 32;
    return static_cast<uint8_t>(pair >> shift & ((uint64_t{1} << bits_) - 1));
  }

 private:
  const int32_t* words_;
  int64_t stride_, bits_;
};

}  // namespace imago::quant
