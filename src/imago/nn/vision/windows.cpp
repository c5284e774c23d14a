#include "imago/nn/vision/windows.h"

#include "imago/ops/pad/pad.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

Tensor to_windows(const Tensor& x_BHWC, int64_t size) {
  const int64_t height = x_BHWC.size(1), width = x_BHWC.size(2), channels = x_BHWC.size(3);
  const int64_t rows = whole_windows(height, size), columns = whole_windows(width, size);
  Tensor x = x_BHWC;
  if (rows * size != height || columns * size != width)
    x = pad(x, {0, 0, 0, columns * size - width, 0, rows * size - height});
  x = reshape(x, {x.size(0), rows, size, columns, size, channels});
  return reshape(transpose(x, 2, 3), {-1, size * size, channels});
}

Tensor from_windows(const Tensor& windows, int64_t size, Extent picture) {
  const int64_t rows = whole_windows(picture.height, size), columns = whole_windows(picture.width, size);
  const int64_t channels = windows.size(2), batch = windows.size(0) / (rows * columns);
  const Tensor split = transpose(reshape(windows, {batch, rows, columns, size, size, channels}), 2, 3);
  const Tensor whole = reshape(split, {batch, rows * size, columns * size, channels});
  return narrow(narrow(whole, 1, 0, picture.height), 2, 0, picture.width);
}

}  // namespace imago::nn
