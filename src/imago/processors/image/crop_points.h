// Where a whole picture is asked what is there: overlapping crops of it, each with a grid of points (Kirillov et al.
// 2023, "Segment Anything", appendix B).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace imago {

struct PictureCrop {
  int64_t left = 0, top = 0, right = 0, bottom = 0;
  std::vector<std::array<double, 2>> points;  // x, y in pixels of the crop, resized
  bool operator==(const PictureCrop&) const = default;
};

struct CropOptions {
  int64_t layers = 0;  // of crops beside the whole picture: 4, then 16, ...
  double overlap_ratio = 512.0 / 1500;
  int64_t points_per_side = 32;  // of the whole picture's grid
  double points_downscale = 1;   // by which each layer has fewer
  int64_t longest_edge = 1024;   // of a crop that is resized
};

// Throws Error kInvalidArgument for options out of range.
std::vector<PictureCrop> crops_with_points(int64_t height, int64_t width, const CropOptions& options);

}  // namespace imago
