// Models that find objects in pictures.
#pragma once

#include "imago/nn/image_model.h"

namespace imago {

// What is really in one picture: its objects, K of them.
struct ImageObjects {
  Tensor class_labels;  // [K] int64
  Tensor boxes;         // [K, 4] center x, center y, width, height, as parts of the picture's size
  Tensor masks;         // [K, height, width] 1 inside; read by models that give masks
  FIELDS(class_labels, boxes, masks)
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

// The parts of the loss, by the reference's names.
struct DetectionLosses {
  Tensor loss_ce, loss_bbox, loss_giou, cardinality_error, loss_mask, loss_dice;
  std::vector<DetectionLosses> auxiliary;  // of the decoder's layers but the last: loss_ce_0, ...
  void each_field(FieldVisitor& visitor);
};

// Of an encoder and a decoder. Q queries, D hidden.
struct QueriedStates {
  Tensor last_hidden_state;  // [B, Q, D], or of a model without queries of all tokens
  Tensors decoder_hidden_states, decoder_attentions, cross_attentions;
  Tensor encoder_last_hidden_state;
  Tensors encoder_hidden_states, encoder_attentions;
  FIELDS(last_hidden_state, decoder_hidden_states, decoder_attentions, cross_attentions, encoder_last_hidden_state,
         encoder_hidden_states, encoder_attentions)
};

struct DetectionPredictions {
  Tensor logits;      // [B, Q, labels + 1]: the last is "no object"
  Tensor pred_boxes;  // [B, Q, 4] as ImageObjects has them
  FIELDS(logits, pred_boxes)
};

struct DetectionOutput : QueriedStates {
  Tensor loss;
  DetectionLosses loss_dict;
  Tensor logits, pred_boxes;                            // see DetectionPredictions
  Tensor pred_masks;                                    // [B, Q, height', width'] of models that give masks
  std::vector<DetectionPredictions> auxiliary_outputs;  // of the decoder's layers but the last
  Tensors hidden_states, attentions;
  FIELDS_AND(QueriedStates, loss, loss_dict, logits, pred_boxes, pred_masks, auxiliary_outputs, hidden_states,
             attentions)
};

struct ObjectDetection : CallableModel<DetectionInputs, DetectionOutput> {
  static constexpr const char* kAutoClass = "AutoModelForObjectDetection";
};

}  // namespace imago
