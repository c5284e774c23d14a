#include "imago/nn/speech_training.h"

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/where/where.h"

namespace imago::nn {

Tensor hide_spans(const SpeechTrainingConfig& c, Tensor x_BTD, Tensor hidden_BT, const Tensor& stand_in,
                  const std::vector<int64_t>& lengths) {
  if (!c.apply_spec_augment) return x_BTD;
  const bool trains = training_generator() != nullptr;
  const int64_t batch = x_BTD.size(0);
  if (!hidden_BT && trains && c.mask_time_prob > 0)
    hidden_BT =
        draw_hidden_spans(batch, x_BTD.size(1), {c.mask_time_prob, c.mask_time_length, c.mask_time_min_masks}, lengths);
  if (hidden_BT && !stand_in)
    throw Error(ErrorKind::kInvalidFile, "masked_spec_embed",
                "frames are to be hidden, and the checkpoint has not what stands in their place");
  if (hidden_BT) x_BTD = where(unsqueeze(ne(hidden_BT, 0), 2), cast(stand_in, x_BTD.dtype()), x_BTD);
  if (!trains || c.mask_feature_prob <= 0) return x_BTD;
  const Tensor hidden_BD =
      draw_hidden_spans(batch, x_BTD.size(2), {c.mask_feature_prob, c.mask_feature_length, c.mask_feature_min_masks});
  return masked_fill(x_BTD, unsqueeze(hidden_BD, 1), 0);
}

}  // namespace imago::nn
