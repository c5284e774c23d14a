// One function per format, for decode.cpp. Each throws as decode_image does.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "imago/processors/image/image.h"

namespace imago::codec {

// What a file says beside its pixels.
struct Metadata {
  std::string exif;  // a TIFF structure, perhaps behind "Exif\0\0"
  std::string xmp;   // XML
};

struct Decoded {
  Image image;
  Metadata metadata;
};

Decoded decode_jpeg(std::span<const std::byte> bytes, int64_t max_pixels);
Decoded decode_png(std::span<const std::byte> bytes, int64_t max_pixels);
Decoded decode_webp(std::span<const std::byte> bytes, int64_t max_pixels);
Decoded decode_gif(std::span<const std::byte> bytes, int64_t max_pixels);

// The orientation in EXIF, or else in XMP: 1 where neither has one.
int orientation_of(const Metadata& metadata);

// An image for `height` x `width` pixels, checked against the limit.
Image blank_image(const char* where, int64_t height, int64_t width, int64_t max_pixels);

}  // namespace imago::codec
