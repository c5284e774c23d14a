#include "imago/processors/image/crop_points.h"

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"

namespace imago {
namespace {

constexpr int64_t kMostLayers = 5, kMostPoints = 1024;

// In the middle of each of n * n equal fields, from 0 to 1.
std::vector<std::array<double, 2>> point_grid(int64_t n) {
  const double first = 1.0 / static_cast<double>(2 * n), last = 1.0 - first;
  const double step = n > 1 ? (last - first) / static_cast<double>(n - 1) : 0;
  const auto at = [&](int64_t i) { return n > 1 && i == n - 1 ? last : static_cast<double>(i) * step + first; };
  std::vector<std::array<double, 2>> points;
  for (int64_t y = 0; y < n; ++y) {
    for (int64_t x = 0; x < n; ++x) points.push_back({at(x), at(y)});
  }
  return points;
}

PictureCrop make_crop(int64_t left, int64_t top, int64_t right, int64_t bottom, int64_t points_per_side,
                      int64_t longest_edge) {
  PictureCrop crop{left, top, right, bottom, point_grid(points_per_side)};
  const auto width = static_cast<double>(right - left), height = static_cast<double>(bottom - top);
  const double scale = static_cast<double>(longest_edge) / std::max(width, height);
  const auto resized = [&](double size) { return std::floor(size * scale + 0.5); };
  for (auto& [x, y] : crop.points) {
    x = x * width * (resized(width) / width);
    y = y * height * (resized(height) / height);
  }
  return crop;
}

}  // namespace

std::vector<PictureCrop> crops_with_points(int64_t height, int64_t width, const CropOptions& o) {
  const auto points_of = [&](int64_t layer) {
    const double points = static_cast<double>(o.points_per_side) / std::pow(o.points_downscale, layer);
    if (!(points >= 1 && points <= kMostPoints))
      throw Error(ErrorKind::kInvalidArgument, "crops", "a crop has fewer than 1 or more than 1024 points per side");
    return static_cast<int64_t>(points);
  };
  if (o.layers < 0 || o.layers > kMostLayers)
    throw Error(ErrorKind::kInvalidArgument, "crops", "there are at most 5 layers of crops");
  std::vector<PictureCrop> crops = {make_crop(0, 0, width, height, points_of(0), o.longest_edge)};
  for (int64_t layer = 1; layer <= o.layers; ++layer) {
    const int64_t count = int64_t{1} << layer;
    const auto overlap = static_cast<int64_t>(o.overlap_ratio * static_cast<double>(std::min(height, width)) *
                                              (2.0 / static_cast<double>(count)));
    const auto length = [&](int64_t whole) { return (overlap * (count - 1) + whole + count - 1) / count; };
    const int64_t crop_width = length(width), crop_height = length(height);
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < count; ++j) {
        const int64_t left = (crop_width - overlap) * i, top = (crop_height - overlap) * j;
        crops.push_back(make_crop(left, top, std::min(left + crop_width, width), std::min(top + crop_height, height),
                                  points_of(layer), o.longest_edge));
        if (crops.back().right <= left || crops.back().bottom <= top)
          throw Error(ErrorKind::kInvalidArgument, "crops", "the picture is too small for so many crops");
      }
    }
  }
  return crops;
}

}  // namespace imago
