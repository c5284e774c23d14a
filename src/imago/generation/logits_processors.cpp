#include "imago/generation/logits_processors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_set>

namespace imago {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void ban(std::span<float> scores, std::span<const int64_t> tokens) {
  for (const int64_t token : tokens) {
    if (token >= 0 && token < static_cast<int64_t>(scores.size())) scores[static_cast<size_t>(token)] = kNever;
  }
}

void force(std::span<float> scores, std::span<const int64_t> tokens) {
  std::fill(scores.begin(), scores.end(), kNever);
  for (const int64_t token : tokens) {
    if (token >= 0 && token < static_cast<int64_t>(scores.size())) scores[static_cast<size_t>(token)] = 0;
  }
}

// Keskar et al. 2019 ("CTRL"): what was said already gets less likely, whatever the sign of its score.
void penalize_repetition(double penalty, std::span<const int64_t> ids, std::span<float> scores) {
  const auto factor = static_cast<float>(penalty);
  for (const int64_t token : std::unordered_set<int64_t>(ids.begin(), ids.end())) {
    if (token < 0 || token >= static_cast<int64_t>(scores.size())) continue;
    float& score = scores[static_cast<size_t>(token)];
    score = score < 0 ? score * factor : score / factor;
  }
}

// Bans each token that would repeat a run of `size` tokens (Paulus et al. 2017).
void ban_repeated_ngrams(int64_t size, std::span<const int64_t> ids, std::span<float> scores) {
  const auto length = static_cast<int64_t>(ids.size());
  if (length + 1 < size) return;
  const auto last = ids.subspan(static_cast<size_t>(length - size + 1));
  for (int64_t start = 0; start + size <= length; ++start) {
    const auto run = ids.subspan(static_cast<size_t>(start), static_cast<size_t>(size));
    if (std::equal(last.begin(), last.end(), run.begin())) ban(scores, run.last(1));
  }
}

// Token indices, likeliest first; equal ones in their own order, so that filters cut deterministically.
std::vector<int64_t> by_score(std::span<const float> scores) {
  std::vector<int64_t> order;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] != kNever) order.push_back(static_cast<int64_t>(i));
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return scores[static_cast<size_t>(a)] > scores[static_cast<size_t>(b)];
  });
  return order;
}

void keep_top_k(int64_t top_k, std::span<float> scores) {
  if (top_k >= static_cast<int64_t>(scores.size())) return;
  std::vector<float> sorted(scores.begin(), scores.end());
  std::nth_element(sorted.begin(), sorted.begin() + (top_k - 1), sorted.end(), std::greater<>());
  const float threshold = sorted[static_cast<size_t>(top_k - 1)];
  for (float& score : scores) {
    if (score < threshold) score = kNever;
  }
}

// Holtzman et al. 2019: the likeliest tokens that together reach top_p.
void keep_top_p(double top_p, int64_t min_tokens_to_keep, std::span<float> scores) {
  const std::vector<int64_t> order = by_score(scores);
  const std::vector<double> p = probabilities(scores);
  // The reference drops, from the unlikely end, what together stays within 1 - top_p.
  double tail = 0;
  for (auto i = static_cast<int64_t>(order.size()) - 1; i >= min_tokens_to_keep; --i) {
    const auto token = static_cast<size_t>(order[static_cast<size_t>(i)]);
    tail += p[token];
    if (tail > 1 - top_p) break;
    scores[token] = kNever;
  }
}

// Nguyen et al. 2024: what is at least min_p times as likely as the likeliest.
void keep_min_p(double min_p, int64_t min_tokens_to_keep, std::span<float> scores) {
  const std::vector<int64_t> order = by_score(scores);
  const std::vector<double> p = probabilities(scores);
  if (order.empty()) return;
  const double threshold = min_p * p[static_cast<size_t>(order[0])];
  for (size_t i = static_cast<size_t>(min_tokens_to_keep); i < order.size(); ++i) {
    const auto token = static_cast<size_t>(order[i]);
    if (p[token] < threshold) scores[token] = kNever;
  }
}

// Meister et al. 2022: tokens whose surprise is nearest to the expected one, until they reach typical_p together.
void keep_typical(double typical_p, int64_t min_tokens_to_keep, std::span<float> scores) {
  const std::vector<double> p = probabilities(scores);
  double entropy = 0;
  for (const double value : p) entropy -= value > 0 ? value * std::log(value) : 0;
  std::vector<int64_t> order = by_score(scores);
  const auto distance = [&](int64_t token) { return std::abs(-std::log(p[static_cast<size_t>(token)]) - entropy); };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return distance(a) < distance(b); });
  double sum = 0;
  size_t kept = 0;
  while (kept < order.size() && (sum < typical_p || kept < static_cast<size_t>(min_tokens_to_keep))) {
    sum += p[static_cast<size_t>(order[kept++])];
  }
  for (size_t i = kept; i < order.size(); ++i) scores[static_cast<size_t>(order[i])] = kNever;
}

}  // namespace

void process_scores(const GenerationConfig& config, const SequenceState& state, std::span<float> scores) {
  const auto length = static_cast<int64_t>(state.ids.size());
  const int64_t generated = length - state.prompt_length;
  if (config.repetition_penalty != 1) penalize_repetition(config.repetition_penalty, state.ids, scores);
  if (config.no_repeat_ngram_size > 0) ban_repeated_ngrams(config.no_repeat_ngram_size, state.ids, scores);
  const bool too_short = length < config.min_length.value_or(0) || generated < config.min_new_tokens.value_or(0);
  if (too_short) ban(scores, config.eos_token_id);
  if (config.forced_bos_token_id && length == 1) force(scores, std::span(&*config.forced_bos_token_id, 1));
  if (!config.forced_eos_token_id.empty() && length == state.max_length - 1) force(scores, config.forced_eos_token_id);
  ban(scores, config.suppress_tokens);
  const int64_t begin = state.prompt_length + (config.forced_bos_token_id && state.prompt_length == 1 ? 1 : 0);
  if (length == begin) ban(scores, config.begin_suppress_tokens);
}

void warp_scores(const GenerationConfig& config, int64_t min_tokens_to_keep, std::span<float> scores) {
  const auto temperature = static_cast<float>(config.temperature);
  if (config.temperature != 1) {
    for (float& score : scores) score /= temperature;
  }
  if (config.top_k > 0) keep_top_k(std::max(config.top_k, min_tokens_to_keep), scores);
  if (config.top_p < 1) keep_top_p(config.top_p, min_tokens_to_keep, scores);
  if (config.min_p) keep_min_p(*config.min_p, min_tokens_to_keep, scores);
  if (config.typical_p < 1) keep_typical(config.typical_p, min_tokens_to_keep, scores);
}

std::vector<double> probabilities(std::span<const float> scores) {
  const float best = *std::max_element(scores.begin(), scores.end());
  std::vector<double> p(scores.size());
  double sum = 0;
  for (size_t i = 0; i < scores.size(); ++i)
    sum += p[i] = std::exp(static_cast<double>(scores[i]) - static_cast<double>(best));
  for (double& value : p) value /= sum;
  return p;
}

}  // namespace imago
