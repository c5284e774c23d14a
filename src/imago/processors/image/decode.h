// Image files: JPEG, PNG, WebP and GIF (its first frame), to the pixels that Pillow's Image.open(...).convert("RGB")
// gives: an alpha channel is dropped, CMYK is taken as Adobe writes it, 16 bits of colour become their upper 8 and 16
// bits of gray those up to 255.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "imago/processors/image/image.h"

namespace imago {

struct ImageLimits {
  int64_t bytes = int64_t{1} << 29;  // of the file
  int64_t pixels = kMaxPixels;
};

// Throws Error kUnsupported for another format, kInvalidFile for damaged or truncated bytes, and kLimitExceeded, before
// any pixel is decoded, for what is beyond the limits.
Image decode_image(std::span<const std::byte> bytes, const ImageLimits& limits = {});

// The same, turned as its EXIF or XMP orientation says: what the reference's load_image gives.
Image decode_upright_image(std::span<const std::byte> bytes, const ImageLimits& limits = {});

// decode_upright_image of a file. Throws what reading throws.
Image load_image(const std::string& path, const ImageLimits& limits = {});

}  // namespace imago
