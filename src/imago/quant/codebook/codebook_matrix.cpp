#include "imago/quant/codebook/codebook_matrix.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/quant/decoded_product.h"

namespace imago::quant {
namespace {

// Without a sum that could overflow: files choose both.
constexpr int64_t ceil_divide(int64_t a, int64_t b) { return a / b + (a % b != 0); }

int64_t scales_of(int64_t rows, int64_t columns, const ScaleLayout& layout) {
  if (layout.run != 0) return ceil_divide(rows * columns, layout.run);
  return ceil_divide(rows, layout.tile_rows) * ceil_divide(columns, layout.tile_columns);
}

}  // namespace

CodebookMatrix::CodebookMatrix(const Codebook& codebook, int64_t rows, int64_t columns, Tensor codes,
                               std::vector<float> scales, const ScaleLayout& layout)
    : EncodedMatrix(rows, columns),
      codebook_(codebook),
      codes_(std::move(codes)),
      scales_(std::move(scales)),
      layout_(layout) {
  const int64_t per_byte = 8 / codebook_.bits;
  int64_t elements = 0;
  const bool whole = rows >= 0 && columns > 0 && !__builtin_mul_overflow(rows, columns, &elements) &&
                     columns % per_byte == 0 && layout.run % per_byte == 0 && codes_.is_contiguous();
  if (!whole || codes_.numel() != elements / per_byte ||
      static_cast<int64_t>(scales_.size()) != scales_of(rows, columns, layout)) {
    throw Error(ErrorKind::kInvalidFile, "quant",
                fmt::format("{} codes in {} with {} scales are no matrix [{}, {}]", codebook_.name, codes_.describe(),
                            scales_.size(), rows, columns));
  }
  for (size_t byte = 0; byte < pairs_.size(); ++byte) {
    pairs_[byte] = {codebook_.values[byte >> 4], codebook_.values[byte & 15]};
  }
}

int64_t CodebookMatrix::nbytes() const {
  return rows() * columns() * codebook_.bits / 8 + static_cast<int64_t>(scales_.size() * sizeof(float));
}

void CodebookMatrix::decode_row(int64_t row, float* to) const {
  const int64_t first = row * columns(), per_byte = 8 / codebook_.bits;
  const auto* bytes = static_cast<const uint8_t*>(codes_.const_data_raw()) + first / per_byte;
  const float* const tiles = scales_.data() + row / layout_.tile_rows * ceil_divide(columns(), layout_.tile_columns);
  for (int64_t begin = 0, end = 0; begin < columns(); begin = end) {
    const int64_t run = layout_.run;
    end = std::min(columns(), begin + (run != 0 ? run - (first + begin) % run : layout_.tile_columns));
    const float scale =
        run != 0 ? scales_[static_cast<size_t>((first + begin) / run)] : tiles[begin / layout_.tile_columns];
    if (per_byte == 2) {
      for (int64_t j = begin; j < end; j += 2) {
        const auto& pair = pairs_[bytes[j / 2]];
        to[j] = pair[0];
        to[j + 1] = pair[1];
      }
    } else {
      for (int64_t j = begin; j < end; ++j) to[j] = codebook_.values[bytes[j]];
    }
    for (int64_t j = begin; j < end; ++j) to[j] = to[j] * scale * codebook_.factor;
  }
}

// Products do not take the codes of NaN that floats of a byte have.
bool CodebookMatrix::has_nan() const {
  if (codebook_.kind != CodeKind::kFloat8) return false;
  std::call_once(looked_for_nan_, [this] {
    const auto* bytes = static_cast<const uint8_t*>(codes_.const_data_raw());
    std::atomic<bool> found = false;
    parallel_for(codes_.numel(), int64_t{1} << 20, [&](int64_t begin, int64_t end) {
      uint8_t least = 0x7f;  // of what is missing to NaN, which a vector finds fast
      for (int64_t i = begin; i < end; ++i) least = std::min(least, static_cast<uint8_t>(~bytes[i] & 0x7f));
      if (least == 0) found = true;
    });
    has_nan_ = found;
  });
  return has_nan_;
}

bool CodebookMatrix::multiply_few(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const {
  if (m > kMaxCodeRows || (layout_.run != 0 && columns() % layout_.run != 0) || has_nan()) return false;
  CodeRows rows{codebook_.kind,
                codebook_.values.data(),
                static_cast<const uint8_t*>(codes_.const_data_raw()),
                this->rows(),
                columns(),
                layout_.run,
                scales_.data(),
                1,
                0,
                codebook_.factor};
  if (layout_.run == 0) {
    rows.segment = std::min(layout_.tile_columns, columns());
    rows.rows_of_scale = layout_.tile_rows;
  }
  rows.segments = ceil_divide(columns(), rows.segment);
  return multiply_codes(rows, x, m, stride, bias, y);
}

void CodebookMatrix::multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const {
  if (m == 0 || rows() == 0 || multiply_few(x, m, stride, bias, y)) return;
  multiply_decoded(*this, x, m, stride, bias, y);
}

}  // namespace imago::quant
