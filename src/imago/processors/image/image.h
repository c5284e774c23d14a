// Pictures in memory.
#pragma once

#include <cstdint>
#include <vector>

namespace imago {

// 8 bits of red, green and blue for each pixel, row by row from the top.
struct Image {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;  // [height, width, 3]

  static constexpr int64_t kChannels = 3;
};

// How the new pixels of a resized picture are made of the old ones: the filters of Pillow, under its numbers, which
// preprocessor_config.json has.
enum class Resample { kNearest = 0, kLanczos = 1, kBilinear = 2, kBicubic = 3, kBox = 4, kHamming = 5 };

// To another size, equal to Pillow's Image.resize in every bit. Throws Error kInvalidArgument for a size below 1, and
// kLimitExceeded for one beyond kMaxPixels.
Image resize(const Image& image, int64_t height, int64_t width, Resample resample);

// The same as torch.nn.functional.interpolate does it with antialias to bytes, which torchvision does: by weights of
// 16 bits, and rows always first, so that last bits differ from Pillow's. Bilinear and bicubic only, else Error
// kUnsupported.
Image resize_as_torch(const Image& image, int64_t height, int64_t width, Resample resample);

// The part of `height` x `width` in the middle, with black where the picture is smaller, as the reference cuts it.
Image center_crop(const Image& image, int64_t height, int64_t width);

// The part from (left, top) up to, but without, (right, bottom), which lies inside.
Image crop(const Image& image, int64_t left, int64_t top, int64_t right, int64_t bottom);

// What an EXIF orientation (1 to 8) asks for; anything else leaves the picture alone.
Image rotate_by_orientation(Image image, int orientation);

// No picture has more than these, as in Pillow.
inline constexpr int64_t kMaxPixels = 2 * int64_t{89478485};

// Throws Error kLimitExceeded for a size beyond `max_pixels`, and kInvalidFile below 1; `where` names the format.
void check_image_size(const char* where, int64_t height, int64_t width, int64_t max_pixels = kMaxPixels);

}  // namespace imago
