#include "imago/generation/sampling.h"

#include <algorithm>

#include "imago/ops/index_select/index_select.h"

namespace imago {
namespace {

int64_t likeliest(std::span<const float> scores) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

// Each prompt as often as sequences are asked for.
std::vector<std::vector<int64_t>> repeated(const std::vector<std::vector<int64_t>>& prompts, int64_t times) {
  std::vector<std::vector<int64_t>> rows;
  for (const auto& prompt : prompts) rows.insert(rows.end(), static_cast<size_t>(times), prompt);
  return rows;
}

Tensor column(const std::vector<int64_t>& tokens) {
  return Tensor::from(tokens, {static_cast<int64_t>(tokens.size()), 1});
}

Tensor matrix(const std::vector<std::vector<int64_t>>& rows) {
  std::vector<int64_t> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return Tensor::from(flat, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size())});
}

}  // namespace

// SplitMix64 (Steele, Lea, Flood 2014).
double RandomSource::uniform() {
  uint64_t value = state_ += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((value ^ (value >> 31)) >> 11) * 0x1p-53;
}

int64_t draw(std::span<const double> probabilities, RandomSource& random) {
  const double target = random.uniform();
  double sum = 0;
  int64_t last = 0;  // rounding may leave the sum short of the target
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (probabilities[i] <= 0) continue;
    last = static_cast<int64_t>(i);
    sum += probabilities[i];
    if (sum > target) break;
  }
  return last;
}

bool is_finished(const GenerationConfig& config, const GenerationHooks& hooks, std::span<const int64_t> ids,
                 int64_t prompt_length) {
  const auto& eos = config.eos_token_id;
  if (std::find(eos.begin(), eos.end(), ids.back()) != eos.end()) return true;
  if (static_cast<int64_t>(ids.size()) >= *config.max_length) return true;
  return hooks.stops && hooks.stops(ids.subspan(static_cast<size_t>(prompt_length)));
}

GenerationOutput sample(DecoderSession& session, std::vector<std::vector<int64_t>> prompts,
                        const GenerationConfig& config, const GenerationHooks& hooks) {
  GenerationOutput output;
  output.prompt_length = static_cast<int64_t>(prompts[0].size());
  RandomSource random(static_cast<uint64_t>(config.seed));
  Tensor scores = session.step(matrix(prompts));
  output.sequences = repeated(prompts, config.num_return_sequences);
  if (config.num_return_sequences > 1) {
    std::vector<int64_t> sources;
    for (size_t row = 0; row < output.sequences.size(); ++row)
      sources.push_back(static_cast<int64_t>(row) / config.num_return_sequences);
    session.select_rows(sources);
    scores = index_select(scores, 0, Tensor::from(sources));
  }

  // A finished row stays in the batch, fed with its last token, until all are finished.
  std::vector<bool> finished(output.sequences.size(), false);
  size_t open = finished.size();
  while (true) {
    const auto vocabulary = static_cast<size_t>(scores.size(1));
    std::vector<int64_t> next;
    for (size_t row = 0; row < output.sequences.size(); ++row) {
      std::vector<int64_t>& ids = output.sequences[row];
      next.push_back(ids.back());
      if (finished[row]) continue;
      const std::span<float> row_scores(scores.data<float>() + row * vocabulary, vocabulary);
      const SequenceState state{ids, output.prompt_length, *config.max_length};
      process_scores(config, state, row_scores);
      if (hooks.process_scores) hooks.process_scores(state, row_scores);
      if (config.do_sample) {
        warp_scores(config, 1, row_scores);
        next.back() = draw(probabilities(row_scores), random);
      } else {
        next.back() = likeliest(row_scores);
      }
      ids.push_back(next.back());
      if (hooks.on_token) hooks.on_token(static_cast<int64_t>(row), next.back());
      finished[row] = is_finished(config, hooks, ids, output.prompt_length);
      if (finished[row]) --open;
    }
    if (open == 0) return output;
    scores = session.step(column(next));
  }
}

}  // namespace imago
