// Connectionist temporal classification (Graves et al. 2006).
#pragma once

#include "imago/nn/model.h"

namespace imago::nn {

struct CtcOptions {
  int64_t blank = 0;
  bool mean = false;           // over the rows, each by its number of labels; else the sum
  bool zero_infinity = false;  // labels that do not fit into their frames cost nothing
};

// logits [B, T, V], of which the first frames[i] of row i count; labels [B, S] with negative numbers behind them.
// Undefined where there are no labels. Throws Error kInvalidArgument for a label beyond V.
Tensor ctc_loss(const Tensor& logits, const Tensor& labels, const std::vector<int64_t>& frames,
                const CtcOptions& options);

}  // namespace imago::nn
