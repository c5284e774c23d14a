// Models of pictures: what they take, and the interfaces that pipelines ask for.
#pragma once

#include "imago/nn/model.h"

namespace imago {

// B batch, C channels, N patches. All but the pixels may be left undefined.
struct ImageInputs {
  Tensor pixel_values;                    // [B, C, height, width]
  Tensor bool_masked_pos;                 // [B, N] true where a patch is hidden: masked image modeling
  Tensor labels;                          // gives a loss
  bool interpolate_pos_encoding = false;  // take pictures of another size than config.json's
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;

  FIELDS(pixel_values, bool_masked_pos, labels, interpolate_pos_encoding)
};

// The pixels that a masked picture is thought to have: [B, C, height, width].
struct MaskedImageModelingOutput : ModelOutput {
  Tensor reconstruction;
  FIELDS_AND(ModelOutput, reconstruction)
};

// Feature maps of the stages that config.json chooses: pictures of ever fewer pixels and more channels.
struct BackboneOutput : ModelOutput {
  Tensors feature_maps;  // [B, C, height, width] each
  FIELDS_AND(ModelOutput, feature_maps)
};

struct ImageModel : CallableModel<ImageInputs, BaseModelOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};
struct DepthOutput : ModelOutput {
  Tensor predicted_depth;  // [B, height, width]
  FIELDS_AND(ModelOutput, predicted_depth)
};

struct DepthEstimation : CallableModel<ImageInputs, DepthOutput> {
  static constexpr const char* kAutoClass = "AutoModelForDepthEstimation";
};
struct ImageBackbone : CallableModel<ImageInputs, BackboneOutput> {
  static constexpr const char* kAutoClass = "AutoBackbone";
};
// Whatever gives scores of labels, whichever outputs it has beside them.
struct LabelsOfImages {
  virtual ~LabelsOfImages() = default;
  virtual Tensor label_logits(const ImageInputs& inputs) const = 0;  // [B, labels]
};
struct ImageClassification : CallableModel<ImageInputs, LogitsOutput>, LabelsOfImages {
  static constexpr const char* kAutoClass = "AutoModelForImageClassification";
  Tensor label_logits(const ImageInputs& inputs) const override { return forward(inputs).logits; }
};
// logits [B, labels, height', width'], of a grid that may be coarser than the pixels; labels [B, height, width].
struct SemanticSegmentation : CallableModel<ImageInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForSemanticSegmentation";
};
struct MaskedImageModeling : CallableModel<ImageInputs, MaskedImageModelingOutput> {
  static constexpr const char* kAutoClass = "AutoModelForMaskedImageModeling";
};

}  // namespace imago
