#pragma once

#include <cstdint>

namespace imago {

struct PatchedSize {
  int64_t height, width;
};

// Qwen2-VL's size of a picture, or of a video's pictures: whole multiples of `factor`, with about its own shape, of at
// least and at most so many pixels. Throws Error kInvalidArgument for a picture that is too narrow.
PatchedSize patched_size(int64_t height, int64_t width, int64_t factor, int64_t least_pixels, int64_t most_pixels);

}  // namespace imago
