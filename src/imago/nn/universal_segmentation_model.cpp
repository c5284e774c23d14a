#include "imago/nn/universal_segmentation_model.h"

namespace imago {

void SegmentationInputs::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "pixel_values, pixel_mask", pixel_values, pixel_mask);
  const auto visit_list = [&](const char* name, Tensors& list) {
    visitor.enter(name);
    for (size_t i = 0;; ++i) {
      if (i == list.size()) list.emplace_back();
      imago::internal::visit_field(visitor, std::to_string(i), list[i]);
      if (list[i]) continue;
      list.resize(i);
      break;
    }
    visitor.leave();
  };
  visit_list("mask_labels", mask_labels);
  visit_list("class_labels", class_labels);
}

}  // namespace imago
