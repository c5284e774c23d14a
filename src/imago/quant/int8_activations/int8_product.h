// Products of 8-bit integers: weights with a factor for each row, activations rounded with a step for each of theirs.
#pragma once

#include <cstdint>
#include <vector>

namespace imago::quant {

// How a row of activations becomes integers: q = round(x / divisor * multiplier), halves to even, within [-128, 127];
// one of the two is 1, so that there is one rounding before that of q. A sum of products counts `step` times itself.
struct RowRounding {
  float divisor = 1, multiplier = 1;
  float step = 1;
};

// The weight's integers [rows, columns], arranged for the product: 16 rows side by side, four columns of each together.
class Int8Weight {
 public:
  // Columns are at most kMaxColumns, that sums fit in 32 bits; callers check.
  static constexpr int64_t kMaxColumns = int64_t{1} << 16;
  // `read`(row, to) writes the integers of a row.
  template <class Read>
  Int8Weight(int64_t rows, int64_t columns, Read read) : Int8Weight(rows, columns) {
    std::vector<int8_t> row(static_cast<size_t>(columns));
    for (int64_t r = 0; r < rows; ++r) {
      read(r, row.data());
      store_row(r, row.data());
    }
  }

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t nbytes() const;
  void read_row(int64_t row, int8_t* to) const;

  // y [m, rows] = step of x's row * factor [rows] * (the sum of products) + bias (or null): float(sum) * (step *
  // factor), each product rounded to float. The sums are exact. `round` gives the rounding of a row by its largest
  // magnitude. A row with infinities or NaN gives NaN.
  void multiply(const float* x, int64_t m, int64_t stride, RowRounding (*round)(float largest), const float* factor,
                const float* bias, float* y) const;

 private:
  Int8Weight(int64_t rows, int64_t columns);
  void store_row(int64_t row, const int8_t* values);

  int64_t rows_, columns_, quads_;  // columns in fours, rounded up
  std::vector<int8_t> values_;      // [rows / 16, quads, 16, 4]
  std::vector<int32_t> shifts_;     // [rows, rounded up to 16], 128 times the sum of a row: x is multiplied as x + 128
};

}  // namespace imago::quant
