#pragma once

#include <string>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

struct InterpolateOptions {
  Shape size;                           // of the spatial dimensions; or
  std::vector<double> scale_factor;     // by which they grow, one for each or one for all
  std::string mode = "nearest";         // "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"
  bool align_corners = false;           // whether the outermost elements' centers stay in place, instead of their edges
  bool recompute_scale_factor = false;  // whether positions follow from the sizes instead of scale_factor
  bool antialias = false;               // wider windows where it shrinks; "bilinear" and "bicubic" only
};

// torch.nn.functional.interpolate: x [batch, channels, ...] of 1 to 3 spatial dimensions to another size. Half types
// are computed in float and rounded once.
Tensor interpolate(const Tensor& x, const InterpolateOptions& options);

}  // namespace imago
