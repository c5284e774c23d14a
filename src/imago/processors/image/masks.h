// Masks of objects: their runs, their boxes, and which of many that overlap are to stay.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace imago {

// Which pixels of a picture belong to something, row by row from the top: 0 or 1 each.
struct BinaryMask {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> inside;
};

// The lengths of its runs: pixels outside, pixels inside, pixels outside, ... Row by row; or column by column, as COCO
// has them.
std::vector<int64_t> runs_by_row(const BinaryMask& mask);
std::vector<int64_t> runs_by_column(const BinaryMask& mask);

int64_t area(const BinaryMask& mask);

// The first and the last pixels inside: left, top, right, bottom. All 0 of an empty mask.
std::array<int64_t, 4> bounding_box(const BinaryMask& mask);

using Corners = std::array<float, 4>;  // left, top, right, bottom

// Non-maximum suppression: the boxes that stay, best score first. One goes where its intersection with a better one
// that stays, over their union, is above the threshold.
std::vector<size_t> suppress_overlaps(std::span<const Corners> boxes, std::span<const float> scores,
                                      double iou_threshold);

}  // namespace imago
