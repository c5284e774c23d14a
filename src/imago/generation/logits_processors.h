// What becomes of a row of scores before a token is chosen from it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "imago/generation/generation_config.h"

namespace imago {

// One sequence so far.
struct SequenceState {
  std::span<const int64_t> ids;  // prompt and generated tokens; of an encoder-decoder model the decoder's
  int64_t prompt_length = 0;
  int64_t max_length = 0;  // at which it will be cut
};

// Penalties, bans and forced tokens, which apply to greedy search as well, in the reference's order.
void process_scores(const GenerationConfig& config, const SequenceState& state, std::span<float> scores);

// Temperature and the filters of sampling, in the reference's order; filtered tokens get -infinity. At least
// `min_tokens_to_keep` tokens remain.
void warp_scores(const GenerationConfig& config, int64_t min_tokens_to_keep, std::span<float> scores);

// Probabilities of the scores, computed in double.
std::vector<double> probabilities(std::span<const float> scores);

}  // namespace imago
