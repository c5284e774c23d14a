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

ImageInputs DetectionInputs::images() const {
  ImageInputs in;
  in.pixel_values = pixel_values;
  in.output_hidden_states = output_hidden_states;
  in.output_attentions = output_attentions;
  in.attention = attention;
  return in;
}

}  // namespace imago
