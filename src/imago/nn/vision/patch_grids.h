// Where patches lie in their pictures, and so where tokens stand.
#pragma once

#include <vector>

#include "imago/nn/image_text_to_text.h"

namespace imago::nn {

// Patches of a picture in time, from top to bottom, from left to right.
struct PatchGrid {
  int64_t time, height, width;
  int64_t tokens(int64_t merge) const { return time * (height / merge) * (width / merge); }
};

// Of image_grid_thw or video_grid_thw. Throws Error kInvalidArgument unless there are rows of three numbers, of which
// the last two are whole squares.
std::vector<PatchGrid> read_grids(const Tensor& grid_thw, int64_t merge);

int64_t patch_count(const std::vector<PatchGrid>& grids);

// The row and the column of each patch, those of a square that is merged one behind the other: [2, 1, patches].
Tensor patch_positions(const std::vector<PatchGrid>& grids, int64_t merge);

// The pictures, or the videos, of a text.
struct PlacedGrids {
  int64_t token = 0;
  std::vector<PatchGrid> grids;
};

// Positions [3, B, T] in time, height and width: text counts in all of them, and goes on behind the longest side of a
// picture or video. Throws Error kInvalidArgument where these do not stand in the text as the grids say.
Tensor text_and_patch_positions(const ImageTextToTextInputs& in, const PlacedGrids& pictures, const PlacedGrids& videos,
                                int64_t merge);

}  // namespace imago::nn
