// How far a changed language model is from the original, on a text.
#pragma once

#include <cstdint>
#include <vector>

#include "imago/nn/model.h"

namespace imago {

struct Divergence {
  int64_t tokens = 0;         // predicted, over all windows
  double kl_divergence = 0;   // mean of sum p log(p / q) in nats, p the original's
  double top1_agreement = 0;  // share of tokens that both find likeliest
  double perplexity_before = 0, perplexity_after = 0;
};

// Both models read `ids` in windows of `window` tokens, each without what went before. Throws Error kInvalidArgument
// for fewer than two tokens or a window below two.
Divergence compare_on_text(const CausalLM& original, const CausalLM& changed, const std::vector<int64_t>& ids,
                           int64_t window);

}  // namespace imago
