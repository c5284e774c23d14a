#include "imago/nn/vision/bilinear_points.h"

#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

Neighbours neighbour(const Tensor& x, const Tensor& y, Extent map, bool right, bool below) {
  const Tensor left = floor(x), top = floor(y);
  const auto nearness = [](const Tensor& at, const Tensor& low, bool second) {
    return second ? at - low : low + 1.0 - at;
  };
  const Tensor column = left + (right ? 1.0 : 0.0), row = top + (below ? 1.0 : 0.0);
  const auto inside = [](const Tensor& index, int64_t length) {
    return logical_and(ge(index, 0), le(index, static_cast<double>(length - 1)));
  };
  const Tensor seen = cast(logical_and(inside(column, map.width), inside(row, map.height)), x.dtype());
  const auto within = [](const Tensor& index, int64_t length) {
    return cast(clamp(index, 0, static_cast<double>(length - 1)), DType::i64);
  };
  return {within(row, map.height) * static_cast<double>(map.width) + within(column, map.width),
          nearness(x, left, right) * nearness(y, top, below) * seen};
}

}  // namespace

std::vector<Neighbours> neighbours(const Tensor& places, Extent picture) {
  const auto coordinate = [&](int64_t axis, int64_t length) {
    const Tensor centered = select(places, -1, axis) * 2.0 - 1.0;
    return ((centered + 1.0) * static_cast<double>(length) - 1.0) / 2.0;
  };
  const Tensor x = coordinate(0, picture.width), y = coordinate(1, picture.height);
  std::vector<Neighbours> all;
  for (const bool below : {false, true}) {
    for (const bool right : {false, true}) all.push_back(neighbour(x, y, picture, right, below));
  }
  return all;
}

Tensor read_points(const Tensor& pictures_MHW, const Tensor& places_MP2) {
  const int64_t count = pictures_MHW.size(0), height = pictures_MHW.size(1), width = pictures_MHW.size(2);
  std::vector<int64_t> first;
  for (int64_t i = 0; i < count; ++i) first.push_back(i * height * width);
  const Tensor pixels = reshape(pictures_MHW, {-1}), offsets = Tensor::from(first, {count, 1});
  Tensor sum;
  for (const Neighbours& corner : neighbours(places_MP2, {height, width})) {
    const Tensor read = index_select(pixels, 0, reshape(corner.pixels + offsets, {-1}));
    const Tensor part = reshape(read, corner.shares.shape()) * corner.shares;
    sum = sum ? sum + part : part;
  }
  return sum;
}

}  // namespace imago::nn
