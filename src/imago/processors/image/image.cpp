#include "imago/processors/image/image.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "imago/base/error.h"

namespace imago {
namespace {

// Where the pixel comes from that stands at (y, x) of the new picture.
struct Place {
  int64_t y, x;
};

Place source_of(int orientation, int64_t y, int64_t x, const Image& image) {
  const int64_t bottom = image.height - 1, right = image.width - 1;
  switch (orientation) {
    case 2: return {y, right - x};
    case 3: return {bottom - y, right - x};
    case 4: return {bottom - y, x};
    case 5: return {x, y};
    case 6: return {bottom - x, y};
    case 7: return {bottom - x, right - y};
    default: return {x, right - y};
  }
}

}  // namespace

void check_image_size(const char* where, int64_t height, int64_t width, int64_t max_pixels) {
  if (height < 1 || width < 1)
    throw Error(ErrorKind::kInvalidFile, where, fmt::format("the image is {} x {} pixels", width, height));
  if (height > max_pixels / width) {
    throw Error(ErrorKind::kLimitExceeded, where,
                fmt::format("the image is {} x {} pixels, above the limit of {}", width, height, max_pixels),
                "make it smaller");
  }
}

Image center_crop(const Image& image, int64_t height, int64_t width) {
  check_image_size("center_crop", height, width);
  Image cropped{height, width, std::vector<uint8_t>(static_cast<size_t>(height * width * Image::kChannels))};
  // Floor division, also of negative differences: the odd pixel of what is missing is above and to the left.
  const auto offset = [](int64_t have, int64_t wanted) {
    return have >= wanted ? (have - wanted) / 2 : -((wanted - have + 1) / 2);
  };
  const int64_t top = offset(image.height, height), left = offset(image.width, width);
  for (int64_t y = std::max<int64_t>(0, -top); y < height && y + top < image.height; ++y) {
    const int64_t first = std::max<int64_t>(0, -left), last = std::min(width, image.width - left);
    if (first >= last) continue;
    std::memcpy(cropped.pixels.data() + (y * width + first) * Image::kChannels,
                image.pixels.data() + ((y + top) * image.width + first + left) * Image::kChannels,
                static_cast<size_t>((last - first) * Image::kChannels));
  }
  return cropped;
}

Image crop(const Image& image, int64_t left, int64_t top, int64_t right, int64_t bottom) {
  if (left < 0 || top < 0 || right > image.width || bottom > image.height || left >= right || top >= bottom)
    throw Error(ErrorKind::kInvalidArgument, "crop", "the part does not lie inside the picture");
  Image part{bottom - top, right - left, {}};
  for (int64_t y = top; y < bottom; ++y) {
    const auto row = image.pixels.begin() + y * image.width * Image::kChannels;
    part.pixels.insert(part.pixels.end(), row + left * Image::kChannels, row + right * Image::kChannels);
  }
  return part;
}

Image rotate_by_orientation(Image image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool swaps = orientation >= 5;
  Image turned{swaps ? image.width : image.height, swaps ? image.height : image.width,
               std::vector<uint8_t>(image.pixels.size())};
  uint8_t* out = turned.pixels.data();
  for (int64_t y = 0; y < turned.height; ++y) {
    for (int64_t x = 0; x < turned.width; ++x, out += Image::kChannels) {
      const Place from = source_of(orientation, y, x, image);
      std::memcpy(out, image.pixels.data() + (from.y * image.width + from.x) * Image::kChannels, Image::kChannels);
    }
  }
  return turned;
}

}  // namespace imago
