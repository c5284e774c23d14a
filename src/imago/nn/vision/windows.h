// Attention inside windows of a picture (Liu et al. 2021, "Swin Transformer"; Kirillov et al. 2023, "Segment
// Anything").
#pragma once

#include "imago/nn/vision/patches.h"

namespace imago::nn {

// [B, height, width, C], padded with zeros at the bottom and to the right to whole windows -> [B * windows, size *
// size, C], window by window and row by row.
Tensor to_windows(const Tensor& x_BHWC, int64_t size);

// Back to pictures of this extent, without the padding: [B, height, width, C].
Tensor from_windows(const Tensor& windows, int64_t size, Extent picture);

// `length` as a number of whole windows.
inline int64_t whole_windows(int64_t length, int64_t size) { return (length + size - 1) / size; }

}  // namespace imago::nn
