#include "imago/generation/whisper_timestamp_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace imago {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

bool times_win(std::span<const float> scores, size_t begin) {
  const auto words = scores.first(begin), times = scores.subspan(begin);
  if (times.empty()) return false;
  const float best_word = *std::max_element(words.begin(), words.end());
  const float best_time = *std::max_element(times.begin(), times.end());
  if (best_time == kNever) return false;
  double sum = 0;
  for (const float score : times) sum += std::exp(static_cast<double>(score) - best_time);
  return best_time + std::log(sum) > best_word;
}

}  // namespace

void WhisperTimestampRules::operator()(const SequenceState& state, std::span<float> scores) const {
  const auto first = scores.begin() + std::min<int64_t>(begin, std::ssize(scores));
  const auto forbid = [&](auto from, auto to) { std::fill(from, std::max(from, to), kNever); };
  *(first - 1) = kNever;  // the token that says that there are none
  const auto said = state.ids.subspan(static_cast<size_t>(state.prompt_length));
  const auto is_time = [&](size_t back) { return said[said.size() - back] >= begin; };
  const bool last = !said.empty() && is_time(1), before = said.size() < 2 || is_time(2);
  if (last && before) forbid(first, scores.end());
  if (last && !before) forbid(scores.begin(), scores.begin() + end_of_text);
  const auto latest = std::find_if(said.rbegin(), said.rend(), [&](int64_t token) { return token >= begin; });
  if (latest != said.rend()) {
    const int64_t allowed = last && !before ? *latest : *latest + 1;
    forbid(first, scores.begin() + std::min<int64_t>(allowed, std::ssize(scores)));
  }
  if (said.empty()) {
    forbid(scores.begin(), first);
    if (max_initial && begin + *max_initial + 1 < std::ssize(scores)) forbid(first + *max_initial + 1, scores.end());
  }
  if (times_win(scores, static_cast<size_t>(first - scores.begin()))) forbid(scores.begin(), first);
}

}  // namespace imago
