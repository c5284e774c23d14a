// Pre-training on series: patches are hidden, and a model says what they were. B batch, C channels, N patches, L steps
// of a patch.
#pragma once

#include <string>
#include <vector>

#include "imago/nn/time_series.h"

namespace imago {

struct HiddenPatchOutput : ModelOutput {
  Tensor prediction_output;  // [B, C, N, L]
  FIELDS_AND(ModelOutput, prediction_output)
};

// A model that is trained to say what was hidden; the reference has no auto class for it.
struct HiddenPatchModel : CallableModel<TimeSeriesInputs, HiddenPatchOutput> {};

namespace nn {

struct HiddenPatchOptions {
  std::string type = "random";  // or "forecast": the last ones of each series
  double ratio = 0.5;           // of those hidden at random
  std::vector<int64_t> last;    // how many of the last ones; each number serves a part of the batch
  bool all_channels = true;     // the same patches of each channel, where they are hidden at random
  std::vector<int64_t> shown_channels;
  double value = 0;  // in their place
};

// Those of a configuration, under the Hub's keys.
template <class C>
HiddenPatchOptions hidden_patch_options(const C& c) {
  return {.type = c.mask_type,
          .ratio = c.random_mask_ratio,
          .last = c.num_forecast_mask_patches,
          .all_channels = c.channel_consistent_masking,
          .shown_channels = c.unmasked_channel_indices.value_or(std::vector<int64_t>()),
          .value = c.mask_value};
}

// Throws Error kInvalidFile for options of config.json that say nothing.
void validate(const HiddenPatchOptions& options, int64_t patches);

// Which patches are hidden: one where they are, zero elsewhere, [B, C, N], drawn from random_source().
Tensor draw_hidden_patches(const Shape& patches_BCNL, const HiddenPatchOptions& options);
// x with the value in the place of what is hidden.
Tensor hide_patches(const Tensor& x_BCNL, const Tensor& hidden_BCN, double value);
// The mean square of what was said of those that were hidden, or of all where `hidden` is undefined.
Tensor hidden_patch_loss(const Tensor& said_BCNL, const Tensor& patches_BCNL, const Tensor& hidden_BCN);

}  // namespace nn
}  // namespace imago
