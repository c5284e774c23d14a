// DeiT (Touvron et al. 2020, "Training data-efficient image transformers & distillation through attention").
#include "imago/models/vit/vit.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"

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
  static constexpr const char* kAutoClass = "AutoModelForImageClassification";
  using ConfigType = DeiTConfig;
  vit::WithoutPooler<DeiTModel> deit;
  nn::Linear cls_classifier, distillation_classifier;
  FIELDS(deit, cls_classifier, distillation_classifier)

  explicit DeiTForImageClassificationWithTeacher(const DeiTConfig& c)
      : deit(c),
        cls_classifier(c.hidden_size, c.num_labels()),
        distillation_classifier(c.hidden_size, c.num_labels()) {}
  const Config& config() const override { return deit.config(); }
  WeightMap weight_map() const override { return nn::with_head(deit.weight_map(), "deit", ""); }
  TeacherOutput forward(const ImageInputs& in) const override {
    BaseModelOutput below = deit.forward(in);
    TeacherOutput out;
    out.cls_logits = cls_classifier(select(below.last_hidden_state, 1, 0));
    out.distillation_logits = distillation_classifier(select(below.last_hidden_state, 1, 1));
    out.logits = (out.cls_logits + out.distillation_logits) / 2;
    take_states(out, std::move(below));
    return out;
  }
  Tensor label_logits(const ImageInputs& in) const override { return forward(in).logits; }
};

}  // namespace imago::deit

REGISTER_MODELS(deit, DeiTModel, DeiTForImageClassificationWithTeacher, DeiTForImageClassification,
                DeiTForMaskedImageModeling)
