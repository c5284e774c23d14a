#include "imago/quant/block_matrix.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/thread_pool.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/quant/decoded_product.h"
#include "imago/quant/group_product.h"
#include "imago/quant/group_tile.h"

namespace imago::quant {
namespace {

constexpr const char* kWhere = "quant";

void check_columns(const Format& format, int64_t columns) {
  if (fits(format, columns)) return;
  throw Error(ErrorKind::kInvalidArgument, kWhere,
              fmt::format("rows of {} elements are no whole number of {} blocks of {}", columns, format.name,
                          format.block_elements),
              "choose a format with smaller blocks for this weight");
}

bool all_finite(const float* values, int64_t count) {
  return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

}  // namespace

BlockMatrix::BlockMatrix(const Format& format, int64_t rows, int64_t columns, std::shared_ptr<const Storage> storage)
    : EncodedMatrix(rows, columns),
      format_(format),
      row_bytes_(columns / format.block_elements * format.block_bytes),
      storage_(std::move(storage)),
      data_(storage_->data()) {
  check_columns(format, columns);
  int64_t bytes = 0;
  if (rows < 0 || __builtin_mul_overflow(rows, row_bytes_, &bytes) || bytes != storage_->bytes()) {
    throw Error(ErrorKind::kInvalidArgument, kWhere,
                fmt::format("{} bytes are not those of a matrix [{}, {}] in {}", storage_->bytes(), rows, columns,
                            format.name));
  }
}

void BlockMatrix::decode_row(int64_t index, float* to) const {
  decode_blocks(format_, row(index), columns() / format_.block_elements, to);
}

// Few rows of x are multiplied straight from the blocks, many in tiles of integers, which take the trouble of laying
// the weights out. Where there are no tiles, the weights are decoded.
void BlockMatrix::multiply(const float* x, int64_t m, int64_t stride, const float* bias, float* y) const {
  constexpr int64_t kTiledRows = 32;
  if (m == 0 || rows() == 0) return;
  if (format_.multiply != nullptr) return format_.multiply(data_, rows(), columns(), x, m, stride, bias, y);
  if (format_.group != 0) {
    const GroupMatrix matrix{format_, data_, rows(), columns()};
    if (m < kTiledRows) {
      for (int64_t i = 0; i < m; i += kMaxProductRows) {
        multiply_groups(matrix, x + i * stride, std::min(kMaxProductRows, m - i), stride, bias, y + i * rows());
      }
      return;
    }
    if (multiply_tiles(matrix, x, m, stride, bias, y)) return;
  }
  multiply_decoded(*this, x, m, stride, bias, y);
}

Tensor encode(const Tensor& matrix, const Format& format) {
  if (matrix.dim() != 2) {
    throw Error(ErrorKind::kInvalidArgument, kWhere, "only matrices are stored in blocks, not " + matrix.describe());
  }
  const int64_t rows = matrix.size(0), columns = matrix.size(1), blocks = columns / format.block_elements;
  check_columns(format, columns);
  const Tensor values = contiguous(cast(decode(matrix), DType::f32));
  const float* from = values.const_data<float>();
  const std::shared_ptr<Storage> storage = Storage::allocate(rows * blocks * format.block_bytes, Device::kCPU);
  std::atomic<bool> sound = true;
  parallel_for(rows, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> decoded(static_cast<size_t>(columns));
    for (int64_t r = begin; r < end && sound; ++r) {
      if (!all_finite(from + r * columns, columns)) {
        sound = false;
        return;
      }
      std::byte* to = storage->data() + r * blocks * format.block_bytes;
      format.encode(from + r * columns, blocks, to);
      decode_blocks(format, to, blocks, decoded.data());
      if (!all_finite(decoded.data(), columns)) sound = false;
    }
  });
  if (!sound) {
    throw Error(ErrorKind::kInvalidArgument, kWhere,
                fmt::format("the weight has values that {} cannot hold: NaN, infinities or too large", format.name));
  }
  return Tensor::encoded(std::make_shared<BlockMatrix>(format, rows, columns, storage), matrix.dtype());
}

}  // namespace imago::quant
