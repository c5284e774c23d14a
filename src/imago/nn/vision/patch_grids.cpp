#include "imago/nn/vision/patch_grids.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"

namespace imago::nn {

std::vector<PatchGrid> read_grids(const Tensor& grid_thw, int64_t merge) {
  if (!grid_thw || grid_thw.dim() != 2 || grid_thw.size(1) != 3)
    throw Error(ErrorKind::kInvalidArgument, "forward", "pictures and videos go with a grid of patches [pictures, 3]");
  const std::vector<int64_t> values = grid_thw.to_vector<int64_t>();
  std::vector<PatchGrid> grids;
  for (size_t i = 0; i < values.size(); i += 3) {
    const PatchGrid grid{values[i], values[i + 1], values[i + 2]};
    constexpr int64_t kLargest = 1 << 20;
    const auto is_side = [&](int64_t side) { return side > 0 && side <= kLargest; };
    if (!is_side(grid.time) || !is_side(grid.height) || !is_side(grid.width) || grid.height % merge != 0 ||
        grid.width % merge != 0) {
      throw Error(ErrorKind::kInvalidArgument, "forward",
                  fmt::format("a grid has {} x {} x {} patches, of which squares of {} are merged", grid.time,
                              grid.height, grid.width, merge));
    }
    grids.push_back(grid);
  }
  return grids;
}

int64_t patch_count(const std::vector<PatchGrid>& grids) {
  int64_t count = 0;
  for (const PatchGrid& grid : grids) count += grid.time * grid.height * grid.width;
  return count;
}

Tensor patch_positions(const std::vector<PatchGrid>& grids, int64_t merge) {
  std::vector<int64_t> rows, columns;
  for (const PatchGrid& grid : grids) {
    const int64_t squares = (grid.height / merge) * (grid.width / merge), across = grid.width / merge;
    for (int64_t i = 0; i < grid.time * squares * merge * merge; ++i) {
      const int64_t square = i / (merge * merge) % squares, inside = i % (merge * merge);
      rows.push_back(square / across * merge + inside / merge);
      columns.push_back(square % across * merge + inside % merge);
    }
  }
  const int64_t count = std::ssize(rows);
  rows.insert(rows.end(), columns.begin(), columns.end());
  return Tensor::from(rows, {2, 1, count});
}

Tensor text_and_patch_positions(const ImageTextToTextInputs& in, const PlacedGrids& pictures, const PlacedGrids& videos,
                                int64_t merge) {
  const int64_t batch = in.input_ids.size(0), tokens = in.input_ids.size(1);
  const std::vector<int64_t> ids = in.input_ids.to_vector<int64_t>();
  std::vector<int64_t> mask(ids.size(), 1), kinds(ids.size());  // 0 of a text, 1 of a picture, 2 of a video
  if (in.attention_mask) mask = in.attention_mask.to_vector<int64_t>();
  std::transform(ids.begin(), ids.end(), kinds.begin(), [&](int64_t id) {
    return id == pictures.token ? 1 : id == videos.token ? 2 : 0;
  });
  if (in.mm_token_type_ids) kinds = in.mm_token_type_ids.to_vector<int64_t>();
  std::vector<int64_t> positions(static_cast<size_t>(3 * batch * tokens), 0);
  size_t next_picture = 0, next_video = 0;
  const auto refuse = [] {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                "the tokens of pictures or videos do not stand in the text as their grids say",
                "let the model's processor write them");
  };
  for (int64_t row = 0; row < batch; ++row) {
    int64_t next = 0, at = row * tokens;
    const int64_t end = at + tokens;
    const auto place = [&](int64_t time, int64_t height, int64_t width) {
      while (at < end && mask[at] == 0) ++at;
      if (at == end) refuse();
      positions[at] = time;
      positions[batch * tokens + at] = height;
      positions[2 * batch * tokens + at] = width;
      ++at;
    };
    while (true) {
      while (at < end && mask[at] == 0) ++at;
      if (at == end) break;
      const int64_t kind = kinds[at];
      if (kind == 0) {
        place(next, next, next);
        ++next;
        continue;
      }
      if (kind != 1 && kind != 2)
        throw Error(ErrorKind::kUnsupported, "forward",
                    "mm_token_type_ids name something else than pictures and videos");
      const std::vector<PatchGrid>& grids = kind == 1 ? pictures.grids : videos.grids;
      size_t& next_grid = kind == 1 ? next_picture : next_video;
      if (next_grid == grids.size()) refuse();
      const PatchGrid& grid = grids[next_grid++];
      const int64_t down = grid.height / merge, across = grid.width / merge;
      for (int64_t i = 0; i < grid.time * down * across; ++i) {
        place(next + i / (down * across), next + i / across % down, next + i % across);
        if (kinds[at - 1] != kind) refuse();
      }
      next += std::max(down, across);
    }
  }
  if (next_picture != pictures.grids.size() || next_video != videos.grids.size()) refuse();
  return Tensor::from(positions, {3, batch, tokens});
}

}  // namespace imago::nn
