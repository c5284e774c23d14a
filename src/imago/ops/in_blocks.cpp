#include "imago/ops/in_blocks.h"

#include <algorithm>

#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// Some temporaries of this many floats fit in the cache, and each is enough for several threads.
constexpr int64_t kBlock = int64_t{1} << 17;

// Rows [first, first + count) of a dense tensor that is seen as rows.
Tensor rows_of(const Tensor& dense, const Shape& row, int64_t first, int64_t count) {
  Shape shape = {count};
  for (const int64_t size : row) shape.push_back(size);
  return dense.alias(shape, contiguous_strides(shape), dense.offset() + first * row.product());
}

}  // namespace

Tensors in_blocks(std::span<const Tensor> inputs, int row_dims,
                  FunctionRef<Tensors(std::span<const Tensor> block)> expression) {
  const Shape shape = inputs[0].shape();
  const Shape row = shape.sub(shape.size() - row_dims, shape.size());
  const int64_t rows = shape.sub(0, shape.size() - row_dims).product();
  const int64_t at_once = std::max<int64_t>(kBlock / std::max<int64_t>(row.product(), 1), 1);
  if (grad_enabled() || inputs[0].is_meta() || rows <= at_once) {
    Shape whole = {rows};
    for (const int64_t size : row) whole.push_back(size);
    Tensors seen;
    for (const Tensor& input : inputs) seen.push_back(reshape(input, whole));
    Tensors results = expression(seen);
    for (Tensor& result : results) result = reshape(result, shape);
    return results;
  }
  Tensors dense, results;
  for (const Tensor& input : inputs) dense.push_back(contiguous(input));
  for (int64_t first = 0; first < rows; first += at_once) {
    const int64_t count = std::min(at_once, rows - first);
    Tensors block;
    for (const Tensor& input : dense) block.push_back(rows_of(input, row, first, count));
    const Tensors parts = expression(block);
    for (const Tensor& part : parts) {
      if (results.size() < parts.size()) results.push_back(Tensor::empty(shape, part.dtype(), part.device()));
    }
    for (size_t i = 0; i < parts.size(); ++i) copy_(rows_of(results[i], row, first, count), parts[i]);
  }
  return results;
}

}  // namespace imago
