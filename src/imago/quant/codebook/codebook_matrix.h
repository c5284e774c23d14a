// Matrices of codes that stand for floats of a table, times a scale: bitsandbytes' NF4, FP4 and int8, and fp8.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "imago/quant/codebook/codebook_product.h"
#include "imago/tensor/encoded_matrix.h"
#include "imago/tensor/tensor.h"

namespace imago::quant {

struct Codebook {
  std::string_view name;  // "nf4"
  int bits;               // 4 or 8; of a byte's two codes the high one comes first
  CodeKind kind;          // which the values agree with
  std::array<float, 256> values{};
  float factor = 1;  // every value is multiplied by it last
};

// Which scale belongs to an element.
struct ScaleLayout {
  // Runs of so many elements, counted over the rows one after another; 0 for tiles.
  int64_t run = 0;
  int64_t tile_rows = 1, tile_columns = 1;
};

class CodebookMatrix final : public EncodedMatrix {
 public:
  // `codes`: rows * columns of them, dense. Throws Error kInvalidFile where codes or scales are too few or too many, or
  // where rows would end within a byte.
  CodebookMatrix(const Codebook& codebook, int64_t rows, int64_t columns, Tensor codes, std::vector<float> scales,
                 const ScaleLayout& layout);

  std::string_view format() const override { return codebook_.name; }
  int64_t nbytes() const override;
  // value = (table[code] * scale) * factor, each product rounded to float.
  void decode_row(int64_t row, float* to) const override;
  // Few rows of x straight from the codes, where sizes allow it; else by decoding.
  void multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const override;

 private:
  bool multiply_few(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const;
  bool has_nan() const;

  Codebook codebook_;
  Tensor codes_;
  std::vector<float> scales_;
  ScaleLayout layout_;
  std::array<std::array<float, 2>, 256> pairs_{};  // of a byte with two codes
  mutable std::once_flag looked_for_nan_;          // by the first product
  mutable bool has_nan_ = false;
};

}  // namespace imago::quant
