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

struct ImageModel : CallableModel<ImageInputs, BaseModelOutput> {
  static constexpr const char* kAutoClass = "AutoModel";
};
// logits [B, labels]
struct ImageClassification : CallableModel<ImageInputs, LogitsOutput> {
  static constexpr const char* kAutoClass = "AutoModelForImageClassification";
};
struct MaskedImageModeling : CallableModel<ImageInputs, MaskedImageModelingOutput> {
  static constexpr const char* kAutoClass = "AutoModelForMaskedImageModeling";
};

}  // namespace imago
