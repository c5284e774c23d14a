// Matrices in a format of blocks, as weights of linear and embedding.
#pragma once

#include <memory>
#include <span>

#include "imago/quant/format.h"
#include "imago/tensor/encoded_matrix.h"
#include "imago/tensor/tensor.h"

namespace imago::quant {

// Rows of blocks, one after another, as GGUF files have them.
class BlockMatrix final : public EncodedMatrix {
 public:
  // On bytes that `storage` holds. Throws Error kInvalidArgument when a row is no whole number of blocks or the bytes
  // are not those of the matrix.
  BlockMatrix(const Format& format, int64_t rows, int64_t columns, std::shared_ptr<const Storage> storage);

  std::string_view format() const override { return format_.name; }
  int64_t nbytes() const override { return rows() * row_bytes_; }
  void decode_row(int64_t row, float* to) const override;
  void multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const override;

  const Format& format_facts() const { return format_; }
  std::span<const std::byte> bytes() const { return {data_, static_cast<size_t>(nbytes())}; }

 private:
  const std::byte* row(int64_t index) const { return data_ + index * row_bytes_; }

  Format format_;
  int64_t row_bytes_;
  std::shared_ptr<const Storage> storage_;
  const std::byte* data_;
};

// Whether rows of so many columns can be stored in the format.
inline bool fits(const Format& format, int64_t columns) { return columns > 0 && columns % format.block_elements == 0; }

// The matrix [rows, columns] in the format, of the same dtype. Throws Error kInvalidArgument for another shape, for
// columns that are no whole number of blocks, and for values that the format cannot hold (infinities, NaN, too large).
Tensor encode(const Tensor& matrix, const Format& format);

}  // namespace imago::quant
