// Texts of windows that overlap, joined where they agree.
#pragma once

#include <cstdint>
#include <vector>

namespace imago {

// A token of a transcription, with when it is said where that is known (both 0 elsewhere).
struct TimedToken {
  int64_t id = 0;
  double begin = 0, end = 0;  // seconds
};

// Each sequence overlaps the one before it by what they have in common, even where they differ a little. Of tokens with
// times only those agree that are not said before their like.
std::vector<TimedToken> join_overlapping(const std::vector<std::vector<TimedToken>>& sequences, bool timed);

}  // namespace imago
