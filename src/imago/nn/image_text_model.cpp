#include "imago/nn/image_text_model.h"

#include "imago/nn/input_parts.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/unary/unary.h"

namespace imago {

TextInputs ImageTextInputs::texts() const { return nn::text_part(*this); }

ImageInputs ImageTextInputs::images() const { return nn::image_part(*this); }

Tensor nn::unit_vectors(const Tensor& x) { return x / norm(x, 2, {-1}, true); }

ImageTextOutput nn::compare_images_and_texts(BaseModelOutput images, BaseModelOutput texts, const Tensor& scale,
                                             const Tensor& bias) {
  ImageTextOutput out;
  out.image_embeds = unit_vectors(images.pooler_output);
  out.text_embeds = unit_vectors(texts.pooler_output);
  out.logits_per_text = matmul(out.text_embeds, transpose(out.image_embeds, 0, 1)) * exp(scale);
  if (bias) out.logits_per_text = out.logits_per_text + bias;
  out.logits_per_image = transpose(out.logits_per_text, 0, 1);
  out.text_model_output = std::move(texts);
  out.vision_model_output = std::move(images);
  return out;
}

}  // namespace imago
