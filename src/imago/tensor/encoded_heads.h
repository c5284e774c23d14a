// Keys or values of attention in some weight format.
#pragma once

#include <cstddef>
#include <cstdint>

#include "imago/tensor/encoded_matrix.h"
#include "imago/tensor/shape.h"

namespace imago {

// As a tensor [batch, heads, tokens, size] whose rows are the tokens. Attention decodes a few of them at a time.
class EncodedHeads : public EncodedMatrix {
 public:
  const Shape& shape() const { return shape_; }

  // Where the first token of a head lies, and how far apart its tokens are, in bytes.
  virtual const std::byte* head(int64_t batch, int64_t head) const = 0;
  int64_t token_bytes() const { return token_bytes_; }
  // `count` tokens that lie one after another, as float32.
  virtual void decode_tokens(const std::byte* from, int64_t count, float* to) const = 0;

  void decode_row(int64_t row, float* to) const final {
    const int64_t token = row % shape_[2], head_index = row / shape_[2];
    decode_tokens(head(head_index / shape_[1], head_index % shape_[1]) + token * token_bytes_, 1, to);
  }

 protected:
  EncodedHeads(const Shape& shape, int64_t token_bytes)
      : EncodedMatrix(shape[0] * shape[1] * shape[2], shape[3]), shape_(shape), token_bytes_(token_bytes) {}

 private:
  Shape shape_;
  int64_t token_bytes_;
};

}  // namespace imago
