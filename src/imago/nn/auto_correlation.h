// Auto-correlation in the place of attention, and series as seasons and a trend (Wu et al. 2021, "Autoformer:
// Decomposition Transformers with Auto-Correlation for Long-Term Series Forecasting", section 3). B batch, T steps, H
// heads, K head size, D hidden, N delays.
#pragma once

#include "imago/nn/multi_head_attention.h"

namespace imago::nn {

// A series minus its moving average, and that average.
struct Decomposed {
  Tensor seasonal, trend;  // [B, T, D]
};

// The moving average over `width` steps, an odd number, repeats the series' ends.
Decomposed decompose_series(const Tensor& x_BTD, int64_t width);

// Values from as many steps later as queries and keys correlate most, weighted by how much.
struct AutoCorrelation : MultiHeadAttention<"q_proj", "k_proj", "v_proj", "out_proj"> {
  AutoCorrelation(int64_t hidden_size, int64_t head_count, int64_t delay_factor);
  // `source` is x, or an encoder's output. Correlations go to `weights` where there is such a place.
  Tensor operator()(const Tensor& x_BTD, const Tensor& source, Tensors* weights) const;

  int64_t factor;  // times the logarithm of the steps is the number of delays
};

}  // namespace imago::nn
