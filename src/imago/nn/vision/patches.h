// Pictures as sequences of patches (Dosovitskiy et al. 2020, "An Image is Worth 16x16 Words"). B batch, C channels,
// N patches, T tokens (N and those in front of them), D hidden.
#pragma once

#include "imago/nn/attention.h"
#include "imago/nn/image_model.h"
#include "imago/nn/vision/convolution_layers.h"

namespace imago::nn {

// The height and width that config.json gives as one number or as two.
struct Extent {
  int64_t height = 0, width = 0;
  bool operator==(const Extent&) const = default;
};
// Throws Error kInvalidFile, naming `key`, unless there are one or two numbers above zero.
Extent extent(const std::vector<int64_t>& size, const char* key);

// How many whole patches lie in a picture, in both directions. Throws Error kInvalidFile where there are none.
Extent patch_grid(Extent image, Extent patch);

// The pixels' height and width. Throws Error kInvalidArgument unless pixel_values are [B, channels, height, width].
Extent check_pixels(const ImageInputs& in, int64_t channels);

// Throws Error kInvalidArgument where the picture has not the size that config.json says.
void require_image_size(Extent pixels, Extent expected);

// The learned positions of a grid of patches, behind those of `leading` tokens and perhaps in front of others, for
// another grid: resized with torch's bicubic interpolation. [1, T, D] -> [1, T', D]
Tensor interpolate_positions(const Tensor& positions, int64_t leading, Extent learned, Extent grid);
// The same of a square of patches, with nothing behind them.
Tensor interpolate_positions(const Tensor& positions, int64_t leading, Extent grid);

// The same for a picture of this size; a square one of as many patches as were learned takes them as they are.
Tensor positions_of(Extent pixels, Extent patch, const Tensor& positions, int64_t extra);

// Each hidden patch's vector becomes `mask_token` [1, 1, D].
Tensor hide_patches(const Tensor& x_BND, const Tensor& bool_masked_pos, const Tensor& mask_token);

// `tokens` [1, n, D] in front of each row.
Tensor prepend(const Tensor& tokens, const Tensor& x_BND);

// Attention of all tokens to all.
AttentionContext image_attention(const ImageInputs& in, Recorder& record);

}  // namespace imago::nn
