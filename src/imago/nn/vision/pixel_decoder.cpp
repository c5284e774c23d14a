#include "imago/nn/vision/pixel_decoder.h"

#include <fmt/core.h>

#include "imago/nn/vision/sine_positions.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/group_norm/group_norm.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::nn {
namespace {

constexpr double kEpsilon = 1e-5;  // torch's, as no key says it
constexpr int64_t kGroups = 32, kPoints = 4;

}  // namespace

ConvNorm::ConvNorm(int64_t in, int64_t out, int64_t kernel, bool with_bias)
    : conv(in, out, kernel, {.padding = kernel / 2, .bias = with_bias}),
      weight(parameter({out})),
      bias(parameter({out})) {}

void ConvNorm::each_field(FieldVisitor& visitor) {
  imago::internal::visit_field(visitor, "0", conv);
  visitor.enter("1");
  imago::internal::visit_fields(visitor, "weight, bias", weight, bias);
  visitor.leave();
}

Tensor ConvNorm::operator()(const Tensor& x_BCHW) const {
  return group_norm(conv(x_BCHW), kGroups, weight, bias, kEpsilon);
}

DeformablePixelLayer::DeformablePixelLayer(const PixelDecoderOptions& o)
    : self_attn(o.feature_size, o.heads, PixelDecoderOptions::kLevels, kPoints),
      self_attn_layer_norm(o.feature_size, kEpsilon),
      final_layer_norm(o.feature_size, kEpsilon),
      fc1(o.feature_size, o.inner_size),
      fc2(o.inner_size, o.feature_size) {}

Tensor DeformablePixelLayer::operator()(const Tensor& x_BND, const Tensor& places_BND,
                                        const std::vector<Extent>& maps) const {
  const Tensor h_BND = self_attn_layer_norm(x_BND + self_attn(x_BND + places_BND, x_BND, maps));
  return final_layer_norm(h_BND + fc2(relu(fc1(h_BND))));
}

DeformablePixelDecoder::DeformablePixelDecoder(const PixelDecoderOptions& o)
    : level_embed(parameter({PixelDecoderOptions::kLevels, o.feature_size})),
      mask_projection(o.feature_size, o.mask_feature_size, 1) {
  for (size_t level = 0; level < PixelDecoderOptions::kLevels; ++level)
    input_projections.emplace_back(o.channels[o.channels.size() - 1 - level], o.feature_size, 1, true);
  for (int64_t i = 0; i < o.layers; ++i) encoder.layers.emplace_back(o);
  for (int64_t i = 0; i < o.fine_levels; ++i) {
    adapters.emplace_back(o.channels[i], o.feature_size, 1, false);
    output_convolutions.emplace_back(o.feature_size, o.feature_size, 3, false);
  }
}

void DeformablePixelDecoder::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "level_embed, input_projections, encoder, mask_projection", level_embed,
                                input_projections, encoder, mask_projection);
  for (size_t i = 0; i < adapters.size(); ++i) {
    imago::internal::visit_field(visitor, fmt::format("adapter_{}", i + 1), adapters[i]);
    imago::internal::visit_field(visitor, fmt::format("layer_{}", i + 1), output_convolutions[i]);
  }
}

Tensors DeformablePixelDecoder::operator()(const Tensors& features) const {
  std::vector<Extent> maps;
  Tensors tokens, places;
  for (int64_t level = 0; level < PixelDecoderOptions::kLevels; ++level) {
    const Tensor x = input_projections[level](features[features.size() - 1 - level]);
    maps.push_back({x.size(2), x.size(3)});
    tokens.push_back(to_tokens(x));
    const Tensor whole = Tensor::ones({1, x.size(2), x.size(3)}, DType::boolean);
    places.push_back(sine_positions(whole, x.size(1) / 2, x.dtype()) + select(level_embed, 0, level));
  }
  Tensor x_BND = concat(tokens, 1);
  const Tensor places_BND = concat(places, 1);
  for (const DeformablePixelLayer& layer : encoder.layers) x_BND = layer(x_BND, places_BND, maps);

  Tensors out;
  int64_t begin = 0;
  for (const Extent& map : maps) {
    out.push_back(to_picture(narrow(x_BND, 1, begin, map.height * map.width), map.height, map.width));
    begin += map.height * map.width;
  }
  Tensor fine = out.back();
  for (size_t i = adapters.size(); i-- > 0;) {
    const Tensor own = adapters[i](features[i]);
    const Tensor coarse = interpolate(fine, {.size = {own.size(2), own.size(3)}, .mode = "bilinear"});
    fine = relu(output_convolutions[i](own + coarse));
  }
  out.push_back(mask_projection(fine));
  return out;
}

}  // namespace imago::nn
