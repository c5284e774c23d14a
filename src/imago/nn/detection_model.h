// Models that find objects in pictures.
#pragma once

#include "imago/nn/image_model.h"

namespace imago {

// What is really in one picture: its objects, K of them.
struct ImageObjects {
  Tensor class_labels;  // [K] int64
  Tensor boxes;         // [K, 4] center x, center y, width, height, as parts of the picture's size
  FIELDS(class_labels, boxes)
};

struct DetectionInputs {
  Tensor pixel_values;               // [B, C, height, width]
  Tensor pixel_mask;                 // [B, height, width] 0 is padding
  std::vector<ImageObjects> labels;  // of each picture; they give a loss
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  // "labels.0.boxes", ...: as many pictures as a visitor gives labels.
  void each_field(FieldVisitor& visitor);

  ImageInputs images() const;
};

// The parts of the loss, by the reference's names. Of several layers' losses only the last one's are listed.
struct DetectionLosses {
  Tensor loss_ce, loss_bbox, loss_giou, cardinality_error;
  FIELDS(loss_ce, loss_bbox, loss_giou, cardinality_error)
};

// Q queries, D hidden.
struct DetectionOutput {
  Tensor loss;
  DetectionLosses loss_dict;
  Tensor logits;             // [B, Q, labels + 1]: the last is "no object"
  Tensor pred_boxes;         // [B, Q, 4] as ImageObjects has them
  Tensor last_hidden_state;  // [B, Q, D], or of a model without queries of all tokens
  Tensors hidden_states, attentions;
  Tensors decoder_hidden_states, decoder_attentions, cross_attentions;
  Tensor encoder_last_hidden_state;
  Tensors encoder_hidden_states, encoder_attentions;
  FIELDS(loss, loss_dict, logits, pred_boxes, last_hidden_state, hidden_states, attentions, decoder_hidden_states,
         decoder_attentions, cross_attentions, encoder_last_hidden_state, encoder_hidden_states, encoder_attentions)
};

struct ObjectDetection : CallableModel<DetectionInputs, DetectionOutput> {
  static constexpr const char* kAutoClass = "AutoModelForObjectDetection";
};

}  // namespace imago
