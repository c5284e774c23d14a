// Models that compare pictures with texts.
#pragma once

#include "imago/nn/image_model.h"
#include "imago/nn/model.h"

namespace imago {

// I pictures and J texts of T tokens.
struct ImageTextInputs {
  Tensor input_ids;       // [J, T]
  Tensor attention_mask;  // [J, T] 0 is padding
  Tensor position_ids;    // [J, T] or [1, T]
  Tensor pixel_values;    // [I, C, height, width]
  bool return_loss = false, interpolate_pos_encoding = false;
  bool output_hidden_states = false, output_attentions = false;
  AttentionImplementation attention = AttentionImplementation::kSdpa;
  FIELDS(input_ids, attention_mask, position_ids, pixel_values, return_loss, interpolate_pos_encoding)

  TextInputs texts() const;
  ImageInputs images() const;
};

struct ImageTextOutput {
  Tensor loss;
  Tensor logits_per_image, logits_per_text;  // [I, J] and [J, I]
  Tensor text_embeds, image_embeds;          // [J, D] and [I, D], of length 1
  BaseModelOutput text_model_output, vision_model_output;
  FIELDS(loss, logits_per_image, logits_per_text, text_embeds, image_embeds, text_model_output, vision_model_output)
};

// Whatever compares pictures with texts, whichever inputs it takes beside them.
struct ComparesImagesWithTexts {
  virtual ~ComparesImagesWithTexts() = default;
  virtual ImageTextOutput compare(const ImageTextInputs& inputs) const = 0;
};
struct ImageTextModel : CallableModel<ImageTextInputs, ImageTextOutput>, ComparesImagesWithTexts {
  static constexpr const char* kAutoClass = "AutoModel";
  static constexpr const char* kOtherAutoClass = "AutoModelForZeroShotImageClassification";
  ImageTextOutput compare(const ImageTextInputs& inputs) const override { return forward(inputs); }
};

namespace nn {

// x / |x| over the last dimension.
Tensor unit_vectors(const Tensor& x);

// Both kinds of pairs' cosines, times exp(scale), plus `bias` where it is defined, from the pooler outputs.
ImageTextOutput compare_images_and_texts(BaseModelOutput images, BaseModelOutput texts, const Tensor& scale,
                                         const Tensor& bias);

}  // namespace nn
}  // namespace imago
