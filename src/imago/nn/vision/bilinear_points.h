// Values of pictures between their pixels, as torch.nn.functional.grid_sample reads them (bilinear, zeros outside).
#pragma once

#include <vector>

#include "imago/nn/vision/patches.h"

namespace imago::nn {

// One of the four pixels around each of some places: its number among the picture's, and its share, 0 outside.
struct Neighbours {
  Tensor pixels, shares;
};

// Of places [..., 2], x and y from 0 to 1 over the picture: upper left, upper right, lower left, lower right, [...].
std::vector<Neighbours> neighbours(const Tensor& places, Extent picture);

// Each of M pictures [M, height, width] at P places of its own [M, P, 2]: [M, P].
Tensor read_points(const Tensor& pictures_MHW, const Tensor& places_MP2);

}  // namespace imago::nn
