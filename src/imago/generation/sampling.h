// Greedy search and sampling: each sequence grows by itself.
#pragma once

#include "imago/generation/decoder_session.h"
#include "imago/generation/generate.h"
#include "imago/generation/logits_processors.h"

namespace imago {

// Continues the prompts, which are of one length, up to config.max_length (which must be set).
GenerationOutput sample(DecoderSession& session, std::vector<std::vector<int64_t>> prompts,
                        const GenerationConfig& config, const GenerationHooks& hooks);

// Random numbers for sampling: the same everywhere for a seed.
class RandomSource {
 public:
  explicit RandomSource(uint64_t seed) : state_(seed) {}
  double uniform();  // in [0, 1)

 private:
  uint64_t state_;
};

// An index drawn with these probabilities.
int64_t draw(std::span<const double> probabilities, RandomSource& random);

// Whether a sequence that ends in `ids` is complete.
bool is_finished(const GenerationConfig& config, const GenerationHooks& hooks, std::span<const int64_t> ids,
                 int64_t prompt_length);

}  // namespace imago
