#include "imago/generation/beam_search.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "imago/generation/logits_processors.h"
#include "imago/generation/sampling.h"
#include "imago/ops/index_select/index_select.h"

namespace imago {
namespace {

// Stands for minus infinity where scores are still added up, as in the reference.
constexpr float kHopeless = -1e9f;

struct Beam {
  std::vector<int64_t> ids;
  float score = kHopeless;
  bool finished = false;
};

struct Candidate {
  int64_t beam = 0, token = 0;
  float score = 0;
  bool stops = false;
};

// What the rows of a batch share.
struct Setting {
  const GenerationConfig& config;
  const GenerationHooks& hooks;
  int64_t prompt_length;
  float length_factor(int64_t length) const {
    return static_cast<float>(std::pow(static_cast<double>(length - prompt_length), config.length_penalty));
  }
};

// The beams of one row of the batch.
class RowSearch {
 public:
  RowSearch(const Setting& setting, const std::vector<int64_t>& prompt) : setting_(setting) {
    const auto count = static_cast<size_t>(setting.config.num_beams);
    running_.assign(count, Beam{prompt, kHopeless, false});
    running_[0].score = 0;  // all beams are alike at first: only one of them may be continued
    best_.assign(count, Beam{prompt, kHopeless, false});
  }

  const std::vector<Beam>& running() const { return running_; }
  const std::vector<Beam>& best() const { return best_; }

  // One step from the beams' log probabilities [num_beams, vocabulary]. `sources` receives the beam that each running
  // one continues.
  void advance(std::span<const float> log_probabilities, RandomSource& random, std::vector<int64_t>& sources) {
    const auto length = static_cast<int64_t>(running_[0].ids.size());
    std::vector<Candidate> candidates = choose(log_probabilities, random);
    for (Candidate& candidate : candidates) {
      std::vector<int64_t> ids = running_[static_cast<size_t>(candidate.beam)].ids;
      ids.push_back(candidate.token);
      candidate.stops = is_finished(setting_.config, setting_.hooks, ids, setting_.prompt_length);
    }
    finish(candidates, length);
    all_stopped_ = std::all_of(candidates.begin(), candidates.end(), [](const Candidate& c) { return c.stops; });
    keep_running(candidates, sources);
    check_heuristic(length + 1);
  }

  // Whether the best finished sequences may still be improved.
  bool improvable() const { return improvable_; }
  bool all_finished() const {
    return std::all_of(best_.begin(), best_.end(), [](const Beam& beam) { return beam.finished; });
  }
  bool all_stopped() const { return all_stopped_; }

 private:
  // The candidates with the highest accumulated scores, best first, or as many drawn without replacement.
  std::vector<Candidate> choose(std::span<const float> log_probabilities, RandomSource& random) const {
    const auto vocabulary = static_cast<int64_t>(log_probabilities.size()) / setting_.config.num_beams;
    const auto eos = static_cast<int64_t>(setting_.config.eos_token_id.size());
    const auto count = static_cast<size_t>(std::min(std::max<int64_t>(2, 1 + eos) * setting_.config.num_beams,
                                                    static_cast<int64_t>(log_probabilities.size())));
    std::vector<float> scores(log_probabilities.begin(), log_probabilities.end());
    for (size_t i = 0; i < scores.size(); ++i) scores[i] += running_[i / static_cast<size_t>(vocabulary)].score;
    std::vector<int64_t> order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    if (setting_.config.do_sample) {
      order = draw_without_replacement(scores, count, random);
    } else {
      std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(count), order.end(),
                        [&](int64_t a, int64_t b) {
                          const float x = scores[static_cast<size_t>(a)], y = scores[static_cast<size_t>(b)];
                          return x != y ? x > y : a < b;
                        });
    }
    std::vector<Candidate> candidates;
    for (size_t i = 0; i < std::min(count, order.size()); ++i) {
      candidates.push_back(
          {order[i] / vocabulary, order[i] % vocabulary, scores[static_cast<size_t>(order[i])], false});
    }
    return candidates;
  }

  static std::vector<int64_t> draw_without_replacement(std::span<const float> scores, size_t count,
                                                       RandomSource& random) {
    std::vector<double> p = probabilities(scores);
    std::vector<int64_t> drawn;
    for (size_t i = 0; i < count; ++i) {
      const double sum = std::accumulate(p.begin(), p.end(), 0.0);
      if (!(sum > 0)) break;
      for (double& value : p) value /= sum;
      drawn.push_back(draw(p, random));
      p[static_cast<size_t>(drawn.back())] = 0;
    }
    return drawn;
  }

  // Candidates that end compete with the best finished ones. Only the first num_beams do: the rest are there so that
  // enough can go on.
  void finish(const std::vector<Candidate>& candidates, int64_t length) {
    const bool full = setting_.config.early_stopping == "true" && all_finished();
    std::vector<Beam> merged = best_;
    for (size_t i = 0; i < candidates.size(); ++i) {
      const Candidate& candidate = candidates[i];
      Beam beam{running_[static_cast<size_t>(candidate.beam)].ids, candidate.score / setting_.length_factor(length + 1),
                false};
      beam.ids.push_back(candidate.token);
      beam.finished = candidate.stops && i < best_.size();
      if (full) beam.score += kHopeless;
      if (!improvable_) beam.score += kHopeless;
      if (!beam.finished) beam.score += kHopeless;
      merged.push_back(std::move(beam));
    }
    std::stable_sort(merged.begin(), merged.end(), [](const Beam& a, const Beam& b) { return a.score > b.score; });
    merged.resize(best_.size());
    best_ = std::move(merged);
  }

  void keep_running(std::vector<Candidate>& candidates, std::vector<int64_t>& sources) {
    for (Candidate& candidate : candidates) {
      if (candidate.stops) candidate.score += kHopeless;
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    std::vector<Beam> next;
    for (size_t i = 0; i < running_.size(); ++i) {
      const Candidate& candidate = candidates[std::min(i, candidates.size() - 1)];
      Beam beam{running_[static_cast<size_t>(candidate.beam)].ids, candidate.score, false};
      beam.ids.push_back(candidate.token);
      sources.push_back(candidate.beam);
      next.push_back(std::move(beam));
    }
    running_ = std::move(next);
  }

  // Gives up on a row when its best running beam could not become better than the worst finished one.
  void check_heuristic(int64_t length) {
    const bool never = setting_.config.early_stopping == "never" && setting_.config.length_penalty > 0;
    const float possible = running_[0].score / setting_.length_factor(never ? *setting_.config.max_length : length);
    float worst = best_[0].score;
    for (const Beam& beam : best_) worst = std::min(worst, beam.score);
    const bool hope = std::any_of(best_.begin(), best_.end(),
                                  [&](const Beam& beam) { return possible > (beam.finished ? worst : kHopeless); });
    improvable_ = improvable_ && hope;
  }

  const Setting& setting_;
  std::vector<Beam> running_, best_;
  bool improvable_ = true, all_stopped_ = false;
};

// Log probabilities of one row of scores, in place.
void log_softmax(std::span<float> scores) {
  const float best = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (const float score : scores) sum += std::exp(static_cast<double>(score - best));
  const auto shift = static_cast<float>(std::log(sum));
  for (float& score : scores) score = score - best - shift;
}

Tensor last_tokens(const std::vector<RowSearch>& rows) {
  std::vector<int64_t> tokens;
  for (const RowSearch& row : rows) {
    for (const Beam& beam : row.running()) tokens.push_back(beam.ids.back());
  }
  return Tensor::from(tokens, {static_cast<int64_t>(tokens.size()), 1});
}

Tensor prompt_matrix(const std::vector<std::vector<int64_t>>& prompts) {
  std::vector<int64_t> flat;
  for (const std::vector<int64_t>& prompt : prompts) flat.insert(flat.end(), prompt.begin(), prompt.end());
  return Tensor::from(flat, {std::ssize(prompts), std::ssize(prompts[0])});
}

}  // namespace

GenerationOutput beam_search(DecoderSession& session, const std::vector<std::vector<int64_t>>& prompts,
                             const GenerationConfig& config, const GenerationHooks& hooks) {
  const Setting setting{config, hooks, static_cast<int64_t>(prompts[0].size())};
  const auto beams = static_cast<size_t>(config.num_beams);
  std::vector<RowSearch> rows;
  std::vector<int64_t> sources;
  for (size_t row = 0; row < prompts.size(); ++row) {
    rows.emplace_back(setting, prompts[row]);
    sources.insert(sources.end(), beams, static_cast<int64_t>(row));
  }
  RandomSource random(static_cast<uint64_t>(config.seed));
  const auto min_tokens_to_keep = static_cast<int64_t>(config.eos_token_id.size()) + 1;

  // A prompt is computed once, and is then that of each of its beams.
  Tensor scores = index_select(session.step(prompt_matrix(prompts)), 0, Tensor::from(sources));
  session.select_rows(sources);
  while (true) {
    const auto vocabulary = static_cast<size_t>(scores.size(1));
    sources.clear();
    for (size_t row = 0; row < rows.size(); ++row) {
      const std::span<float> block(scores.data<float>() + row * beams * vocabulary, beams * vocabulary);
      for (size_t beam = 0; beam < beams; ++beam) {
        const std::span<float> line = block.subspan(beam * vocabulary, vocabulary);
        log_softmax(line);
        const SequenceState state{rows[row].running()[beam].ids, setting.prompt_length, *config.max_length};
        process_scores(config, state, line);
        if (hooks.process_scores) hooks.process_scores(state, line);
        if (config.do_sample) warp_scores(config, min_tokens_to_keep, line);
      }
      std::vector<int64_t> row_sources;
      rows[row].advance(block, random, row_sources);
      for (const int64_t source : row_sources) sources.push_back(static_cast<int64_t>(row * beams) + source);
    }
    const bool improvable =
        std::any_of(rows.begin(), rows.end(), [](const RowSearch& row) { return row.improvable(); });
    const bool complete =
        config.early_stopping == "true" &&
        std::all_of(rows.begin(), rows.end(), [](const RowSearch& row) { return row.all_finished(); });
    const bool stuck = std::all_of(rows.begin(), rows.end(), [](const RowSearch& row) { return row.all_stopped(); });
    if (!improvable || complete || stuck) break;
    session.select_rows(sources);
    scores = session.step(last_tokens(rows));
  }

  GenerationOutput output;
  output.prompt_length = setting.prompt_length;
  for (const RowSearch& row : rows) {
    for (int64_t i = 0; i < config.num_return_sequences; ++i) {
      output.sequences.push_back(row.best()[static_cast<size_t>(i)].ids);
      output.scores.push_back(static_cast<double>(row.best()[static_cast<size_t>(i)].score));
    }
  }
  return output;
}

}  // namespace imago
