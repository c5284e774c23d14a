#include "imago/processors/image/masks.h"

#include <algorithm>
#include <numeric>

namespace imago {
namespace {

// The length of a run is counted up until the pixel changes.
class RunCounter {
 public:
  void add(uint8_t inside) {
    if (inside != inside_) {
      runs_.push_back(length_);
      length_ = 0;
      inside_ = inside;
    }
    ++length_;
  }
  std::vector<int64_t> finish() {
    runs_.push_back(length_);
    return std::move(runs_);
  }

 private:
  std::vector<int64_t> runs_;
  int64_t length_ = 0;
  uint8_t inside_ = 0;
};

}  // namespace

std::vector<int64_t> runs_by_row(const BinaryMask& mask) {
  RunCounter counter;
  for (const uint8_t inside : mask.inside) counter.add(inside);
  return counter.finish();
}

std::vector<int64_t> runs_by_column(const BinaryMask& mask) {
  RunCounter counter;
  for (int64_t x = 0; x < mask.width; ++x) {
    for (int64_t y = 0; y < mask.height; ++y) counter.add(mask.inside[y * mask.width + x]);
  }
  return counter.finish();
}

int64_t area(const BinaryMask& mask) { return std::accumulate(mask.inside.begin(), mask.inside.end(), int64_t{0}); }

std::array<int64_t, 4> bounding_box(const BinaryMask& mask) {
  int64_t left = mask.width, top = mask.height, right = -1, bottom = -1;
  for (int64_t y = 0; y < mask.height; ++y) {
    const auto row = mask.inside.begin() + y * mask.width, end = row + mask.width;
    const auto first = std::find(row, end, 1);
    if (first == end) continue;
    top = std::min(top, y);
    bottom = y;
    left = std::min<int64_t>(left, first - row);
    for (int64_t x = mask.width - 1; x > right; --x) {
      if (row[x] != 0) right = x;
    }
  }
  return right < 0 ? std::array<int64_t, 4>{} : std::array{left, top, right, bottom};
}

std::vector<size_t> suppress_overlaps(std::span<const Corners> boxes, std::span<const float> scores,
                                      double iou_threshold) {
  std::vector<size_t> order(boxes.size()), kept;
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  const auto size = [](const Corners& box) { return (box[2] - box[0]) * (box[3] - box[1]); };
  for (const size_t candidate : order) {
    const Corners& b = boxes[candidate];
    const bool overlaps = std::any_of(kept.begin(), kept.end(), [&](size_t better) {
      const Corners& a = boxes[better];
      const float width = std::max(0.0F, std::min(a[2], b[2]) - std::max(a[0], b[0]));
      const float height = std::max(0.0F, std::min(a[3], b[3]) - std::max(a[1], b[1]));
      const float common = width * height;
      return static_cast<double>(common / (size(a) + size(b) - common)) > iou_threshold;
    });
    if (!overlaps) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace imago
