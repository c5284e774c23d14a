// What the training of models that hear drops and hides, under the Hub's keys.
#pragma once

#include "imago/nn/config.h"
#include "imago/nn/hidden_spans.h"
#include "imago/nn/speech_frames.h"

namespace imago::nn {

struct SpeechTrainingConfig : Config {
  double hidden_dropout = 0.1, activation_dropout = 0.1, attention_dropout = 0.1, feat_proj_dropout = 0;
  bool apply_spec_augment = true;  // hide spans
  double mask_time_prob = 0.05, mask_feature_prob = 0;
  int64_t mask_time_length = 10, mask_time_min_masks = 2, mask_feature_length = 10, mask_feature_min_masks = 0;
  FIELDS_AND(Config, hidden_dropout, activation_dropout, attention_dropout, feat_proj_dropout, apply_spec_augment,
             mask_time_prob, mask_feature_prob, mask_time_length, mask_time_min_masks, mask_feature_length,
             mask_feature_min_masks)

  SpeechDropout dropout(double layer) const { return {hidden_dropout, activation_dropout, attention_dropout, layer}; }
};

// Frames x [B, T, D] with `stand_in` [D] in the place of those that are hidden: of `hidden_BT`, or where it is
// undefined of spans that training draws; and in training with channels at 0. `lengths` is how many frames of each row
// count; all where it is empty. Throws Error kInvalidFile where frames are to be hidden and `stand_in` is undefined.
Tensor hide_spans(const SpeechTrainingConfig& config, Tensor x_BTD, Tensor hidden_BT, const Tensor& stand_in,
                  const std::vector<int64_t>& lengths);

}  // namespace imago::nn
