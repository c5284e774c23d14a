// Heads on models of pictures.
#pragma once

#include "imago/nn/heads/with_head.h"
#include "imago/nn/image_model.h"
#include "imago/nn/vision/convolution_layers.h"

namespace imago::nn {

// What a classifier reads, [B, D].
using ImagePooling = Tensor (*)(const BaseModelOutput& output);
Tensor first_token(const BaseModelOutput& output);
Tensor pooler_output(const BaseModelOutput& output);

LogitsOutput classify_image(const ImageModel& base, const HeadFunction& head, ImagePooling pooling,
                            const ImageInputs& in, const Config& config);

template <class Base, ImagePooling pooling, class Head = LabelScores<true>, FieldName name = "classifier",
          FieldName prefix = Base::kBaseModelPrefix>
struct ForImageClassification : WithHead<ImageClassification, Base, Head, name, prefix> {
  using ForImageClassification::WithHead::WithHead;
  LogitsOutput forward(const ImageInputs& in) const override {
    return classify_image(this->base, this->head_function(), pooling, in, this->config());
  }
};

// The pixels of each patch from its vector (Xie et al. 2021, "SimMIM").
struct PixelDecoder : Module {
  Conv2d first;
  int64_t factor = 1;
  void each_field(FieldVisitor& visitor) { imago::internal::visit_field(visitor, "0", first); }

  template <class ConfigType>
  explicit PixelDecoder(const ConfigType& c)
      : first(hidden_size_of(c), c.encoder_stride * c.encoder_stride * c.num_channels, 1), factor(c.encoder_stride) {}
  Tensor operator()(const Tensor& x) const { return pixel_shuffle(first(x), factor); }
};

// From what the model below made; `leading` tokens stand before the patches. The loss is the mean distance of hidden
// pixels.
MaskedImageModelingOutput reconstruct_image(BaseModelOutput below, const HeadFunction& head, int64_t leading,
                                            int64_t patch_size, const ImageInputs& in);

template <class Base, int64_t leading, FieldName prefix = Base::kBaseModelPrefix>
struct ForMaskedImageModeling : WithHead<MaskedImageModeling, Base, PixelDecoder, "decoder", prefix> {
  using ForMaskedImageModeling::WithHead::WithHead;
  MaskedImageModelingOutput forward(const ImageInputs& in) const override {
    return reconstruct_image(this->base.forward(in), this->head_function(), leading, this->config().patch_size.at(0),
                             in);
  }
};

}  // namespace imago::nn
