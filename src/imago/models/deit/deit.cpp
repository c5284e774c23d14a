#include "imago/models/deit/deit.h"

#include "imago/nn/registry.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"

namespace imago::deit {

DeiTForImageClassificationWithTeacher::DeiTForImageClassificationWithTeacher(const DeiTConfig& c)
    : deit(c), cls_classifier(c.hidden_size, c.num_labels()), distillation_classifier(c.hidden_size, c.num_labels()) {}

TeacherOutput DeiTForImageClassificationWithTeacher::forward(const ImageInputs& in) const {
  BaseModelOutput below = deit.forward(in);
  TeacherOutput out;
  out.cls_logits = cls_classifier(select(below.last_hidden_state, 1, 0));
  out.distillation_logits = distillation_classifier(select(below.last_hidden_state, 1, 1));
  out.logits = (out.cls_logits + out.distillation_logits) / 2;
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::deit

namespace imago {

void register_deit(Registry& registry) {
  using namespace deit;
  registry.add<DeiTModel>("DeiTModel");
  registry.add<DeiTForImageClassificationWithTeacher>("DeiTForImageClassificationWithTeacher",
                                                      {"AutoModelForImageClassification"});
  registry.add<DeiTForImageClassification>("DeiTForImageClassification");
  registry.add<DeiTForMaskedImageModeling>("DeiTForMaskedImageModeling");
}

}  // namespace imago
