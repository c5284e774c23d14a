#include "imago/processors/image/patched_size.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"

namespace imago {

PatchedSize patched_size(int64_t height, int64_t width, int64_t factor, int64_t least_pixels, int64_t most_pixels) {
  const auto down = static_cast<double>(height), across = static_cast<double>(width);
  constexpr double kMostNarrow = 200;
  if (std::max(down, across) / std::min(down, across) > kMostNarrow) {
    throw Error(ErrorKind::kInvalidArgument, "image processor",
                fmt::format("a picture of {} x {} pixels is too narrow: one side is more than {} times the other",
                            width, height, kMostNarrow));
  }
  const auto side = static_cast<double>(factor);
  const auto least = static_cast<double>(least_pixels), most = static_cast<double>(most_pixels);
  double tall = std::nearbyint(down / side) * side, wide = std::nearbyint(across / side) * side;
  if (tall * wide > most) {
    const double shrink = std::sqrt(down * across / most);
    tall = std::max(side, std::floor(down / shrink / side) * side);
    wide = std::max(side, std::floor(across / shrink / side) * side);
  } else if (tall * wide < least) {
    const double grow = std::sqrt(least / (down * across));
    tall = std::ceil(down * grow / side) * side;
    wide = std::ceil(across * grow / side) * side;
  }
  return {static_cast<int64_t>(tall), static_cast<int64_t>(wide)};
}

}  // namespace imago
