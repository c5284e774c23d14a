#include "imago/nn/vision/patches.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

Extent extent(const std::vector<int64_t>& size, const char* key) {
  const bool right = (size.size() == 1 || size.size() == 2) && size.front() > 0 && size.back() > 0;
  if (!right) throw Error(ErrorKind::kInvalidFile, "config.json", fmt::format("{} is not one size or two", key));
  return {size.front(), size.back()};
}

Extent patch_grid(Extent image, Extent patch) {
  const Extent grid{image.height / patch.height, image.width / patch.width};
  if (grid.height < 1 || grid.width < 1)
    throw Error(ErrorKind::kInvalidFile, "config.json", "a patch is larger than the picture");
  return grid;
}

Extent check_pixels(const ImageInputs& in, int64_t channels) {
  const Tensor& x = in.pixel_values;
  if (!x || x.dim() != 4 || x.size(1) != channels) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("pixel_values are {}, and not [batch, {}, height, width]", x.describe(), channels));
  }
  return {x.size(2), x.size(3)};
}

void require_image_size(Extent pixels, Extent expected) {
  if (pixels == expected) return;
  throw Error(ErrorKind::kInvalidArgument, "forward",
              fmt::format("the picture is {} x {} pixels (height x width), the model was made for {} x {}",
                          pixels.height, pixels.width, expected.height, expected.width),
              "resize it, or set interpolate_pos_encoding");
}

Tensor interpolate_positions(const Tensor& positions, int64_t leading, Extent learned, Extent grid) {
  const int64_t count = learned.height * learned.width, trailing = positions.size(1) - leading - count;
  const Tensor picture = to_picture(narrow(positions, 1, leading, count), learned.height, learned.width);
  Tensors parts = {to_tokens(interpolate(picture, {.size = {grid.height, grid.width}, .mode = "bicubic"}))};
  if (leading > 0) parts.insert(parts.begin(), narrow(positions, 1, 0, leading));
  if (trailing > 0) parts.push_back(narrow(positions, 1, leading + count, trailing));
  return parts.size() > 1 ? concat(parts, 1) : parts.front();
}

Tensor interpolate_positions(const Tensor& positions, int64_t leading, Extent grid) {
  const int64_t count = positions.size(1) - leading;
  const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(count)));
  if (side * side != count)
    throw Error(ErrorKind::kUnsupported, "forward", "positions of patches that are no square cannot be interpolated");
  return interpolate_positions(positions, leading, {side, side}, grid);
}

Tensor positions_of(Extent pixels, Extent patch, const Tensor& positions, int64_t extra) {
  const Extent grid = patch_grid(pixels, patch);
  const bool same = grid.height * grid.width == positions.size(1) - extra && pixels.height == pixels.width;
  return same ? positions : interpolate_positions(positions, extra, grid);
}

Tensor hide_patches(const Tensor& x_BND, const Tensor& bool_masked_pos, const Tensor& mask_token) {
  const Tensor hidden = unsqueeze(cast(bool_masked_pos, x_BND.dtype()), -1);
  return x_BND * (1.0 - hidden) + mask_token * hidden;
}

Tensor prepend(const Tensor& tokens, const Tensor& x_BND) {
  return concat({expand(tokens, {x_BND.size(0), -1, -1}), x_BND}, 1);
}

AttentionContext image_attention(const ImageInputs& in, Recorder& record) {
  AttentionContext context;
  context.implementation = in.attention;
  context.weights = record.attentions();
  return context;
}

}  // namespace imago::nn
