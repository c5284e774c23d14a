// Pictures into files.
#pragma once

#include <string>

#include "imago/processors/image/image.h"

namespace imago {

// Replaces `path` with the picture, wholly or not at all. Throws Error kInvalidFile where it cannot be written.
void write_png(const std::string& path, const Image& image);

// The bytes of such a file.
std::string encode_png(const Image& image);

}  // namespace imago
