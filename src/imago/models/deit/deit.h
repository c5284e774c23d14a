// DeiT (Touvron et al. 2020, "Training data-efficient image transformers & distillation through attention").
#pragma once

#include "imago/models/vit/vit.h"

namespace imago::deit {

struct DeiTConfig : vit::ViTConfig {
  static constexpr const char* kModelType = "deit";
};

// ViT with a second token in front, which learned from a teacher.
using DeiTModel = vit::PatchTransformer<DeiTConfig, "deit", true>;
using DeiTForImageClassification = nn::ForImageClassification<vit::WithoutPooler<DeiTModel>, nn::first_token>;
using DeiTForMaskedImageModeling = nn::ForMaskedImageModeling<vit::WithMaskToken<DeiTModel>, 2>;

struct TeacherOutput : LogitsOutput {
  Tensor cls_logits, distillation_logits;  // [B, labels], whose mean the logits are
  FIELDS_AND(LogitsOutput, cls_logits, distillation_logits)
};

struct DeiTForImageClassificationWithTeacher : CallableModel<ImageInputs, TeacherOutput>, LabelsOfImages {
  using ConfigType = DeiTConfig;
  vit::WithoutPooler<DeiTModel> deit;
  nn::Linear cls_classifier, distillation_classifier;
  FIELDS(deit, cls_classifier, distillation_classifier)

  explicit DeiTForImageClassificationWithTeacher(const DeiTConfig& c);
  const Config& config() const override { return deit.config(); }
  WeightMap weight_map() const override { return nn::with_head(deit.weight_map(), "deit", ""); }
  TeacherOutput forward(const ImageInputs& in) const override;
  Tensor label_logits(const ImageInputs& in) const override { return forward(in).logits; }
};

}  // namespace imago::deit
