// Models that cut out of a picture what points, boxes or rough masks hint at.
#pragma once

#include "imago/nn/image_model.h"

namespace imago {

// B pictures, P things asked for in each, T points each. Coordinates are x, y in pixels of the resized picture.
struct MaskPrompts {
  Tensor pixel_values;           // [B, C, height, width], or instead of them
  Tensor image_embeddings;       // [B, D, height', width'], as MaskGeneration::image_embeddings gives them
  Tensor input_points;           // [B, P, T, 2]
  Tensor input_labels;           // [B, P, T]: 1 inside, 0 outside, -1 no point, -10 padding; 1 where absent
  Tensor input_boxes;            // [B, P, 4]: left, top, right, bottom
  Tensor input_masks;            // [B, 1, 4 height', 4 width']
  bool multimask_output = true;  // three masks for each, of which one may be right, or else one
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  FIELDS(pixel_values, image_embeddings, input_points, input_labels, input_boxes, input_masks, multimask_output)
};

struct MaskGenerationOutput {
  Tensor iou_scores;  // [B, P, masks]: how well the model thinks that each mask fits
  Tensor pred_masks;  // [B, P, masks, 4 height', 4 width']: above 0 inside
  Tensors vision_hidden_states, vision_attentions;
  // Under the reference's name, though they are no weights: what the picture took from the tokens, per layer of the
  // decoder [B * P, 1, height' * width', D].
  Tensors mask_decoder_attentions;
  FIELDS(iou_scores, pred_masks, vision_hidden_states, vision_attentions, mask_decoder_attentions)
};

struct MaskGeneration : CallableModel<MaskPrompts, MaskGenerationOutput> {
  static constexpr const char* kAutoClass = "AutoModelForMaskGeneration";
  // What the prompts are asked of, so that it is computed once for many of them.
  virtual Tensor image_embeddings(const Tensor& pixel_values) const = 0;
};

}  // namespace imago
