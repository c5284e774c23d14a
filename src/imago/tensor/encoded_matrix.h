// How a matrix is stored whose elements are not plain numbers: quantized weights. The formats themselves are in quant/.
#pragma once

#include <cstdint>
#include <string_view>

namespace imago {

class Tensor;

// A matrix [rows, columns] in some weight format, on the CPU. It never changes, so that threads may share it.
class EncodedMatrix {
 public:
  virtual ~EncodedMatrix() = default;
  EncodedMatrix(const EncodedMatrix&) = delete;
  EncodedMatrix& operator=(const EncodedMatrix&) = delete;

  virtual std::string_view format() const = 0;  // "q4_0"
  virtual int64_t nbytes() const = 0;           // what the matrix takes in memory
  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }

  // One row in float32, [columns].
  virtual void decode_row(int64_t row, float* to) const = 0;

  // y [m, rows] = x [m, columns] times the transposed matrix, plus `bias` [rows], which may be null. Rows of x lie
  // `stride` elements apart; those of y are dense. On all threads of the pool.
  virtual void multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const = 0;

 protected:
  EncodedMatrix(int64_t rows, int64_t columns) : rows_(rows), columns_(columns) {}

 private:
  int64_t rows_, columns_;
};

// The plain tensor of an encoded one's dtype with its values; a plain tensor as it is. No gradient flows through it.
Tensor decode(const Tensor& tensor);

}  // namespace imago
