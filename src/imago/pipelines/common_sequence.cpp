#include "imago/pipelines/common_sequence.h"

#include <algorithm>
#include <tuple>

namespace imago {
namespace {

struct Overlap {
  int64_t left_begin = 0, left_end = 0, right_begin = 0, right_end = 0;
};

bool agree(const TimedToken& left, const TimedToken& right, bool timed) {
  return left.id == right.id && (!timed || std::tie(left.begin, left.end) <= std::tie(right.begin, right.end));
}

// Every shift of the right sequence along the left one is tried: the best has the most agreeing tokens for its length.
Overlap best_overlap(const std::vector<TimedToken>& left, const std::vector<TimedToken>& right, bool timed) {
  const int64_t left_size = std::ssize(left), right_size = std::ssize(right);
  Overlap best{left_size, left_size, 0, 0};
  double highest = 0;
  for (int64_t shift = 1; shift < left_size + right_size; ++shift) {
    const Overlap overlap{std::max<int64_t>(0, left_size - shift), std::min(left_size, left_size + right_size - shift),
                          std::max<int64_t>(0, shift - left_size), std::min(right_size, shift)};
    int64_t matches = 0;
    for (int64_t i = 0; i < overlap.left_end - overlap.left_begin; ++i) {
      matches += agree(left[static_cast<size_t>(overlap.left_begin + i)],
                       right[static_cast<size_t>(overlap.right_begin + i)], timed)
                     ? 1
                     : 0;
    }
    const auto length = static_cast<double>(shift);
    const double score = static_cast<double>(matches) / length + length / 10000;  // in favour of long ones
    if (matches > 1 && score > highest) {
      highest = score;
      best = overlap;
    }
  }
  return best;
}

}  // namespace

std::vector<TimedToken> join_overlapping(const std::vector<std::vector<TimedToken>>& sequences, bool timed) {
  std::vector<TimedToken> joined, left = sequences.at(0);
  for (size_t i = 1; i < sequences.size(); ++i) {
    const std::vector<TimedToken>& right = sequences[i];
    const Overlap overlap = best_overlap(left, right, timed);
    // The left one is trusted in the first half of what they share, the right one in the second.
    joined.insert(joined.end(), left.begin(), left.begin() + (overlap.left_begin + overlap.left_end) / 2);
    left.assign(right.begin() + (overlap.right_begin + overlap.right_end) / 2, right.end());
  }
  joined.insert(joined.end(), left.begin(), left.end());
  return joined;
}

}  // namespace imago
