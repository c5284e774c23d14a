#include "imago/nn/detection_model.h"

namespace imago {

void DetectionInputs::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "pixel_values, pixel_mask", pixel_values, pixel_mask);
  visitor.enter("labels");
  for (size_t picture = 0;; ++picture) {
    if (picture == labels.size()) labels.emplace_back();
    imago::internal::visit_field(visitor, std::to_string(picture), labels[picture]);
    if (labels[picture].class_labels) continue;
    labels.resize(picture);
    break;
  }
  visitor.leave();
}

void DetectionLosses::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "loss_ce, loss_bbox, loss_giou, cardinality_error, loss_mask, loss_dice",
                                loss_ce, loss_bbox, loss_giou, cardinality_error, loss_mask, loss_dice);
  for (size_t i = 0; i < auxiliary.size(); ++i) {
    DetectionLosses& layer = auxiliary[i];
    const std::string number = "_" + std::to_string(i);
    imago::internal::visit_field(visitor, "loss_ce" + number, layer.loss_ce);
    imago::internal::visit_field(visitor, "loss_bbox" + number, layer.loss_bbox);
    imago::internal::visit_field(visitor, "loss_giou" + number, layer.loss_giou);
    imago::internal::visit_field(visitor, "cardinality_error" + number, layer.cardinality_error);
  }
}

ImageInputs DetectionInputs::images() const {
  ImageInputs in;
  in.pixel_values = pixel_values;
  in.output_hidden_states = output_hidden_states;
  in.output_attentions = output_attentions;
  in.attention = attention;
  return in;
}

}  // namespace imago
