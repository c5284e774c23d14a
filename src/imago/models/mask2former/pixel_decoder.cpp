#include "imago/models/mask2former/pixel_decoder.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/sub_config.h"
#include "imago/nn/vision/sine_positions.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/group_norm/group_norm.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::mask2former {
namespace {

constexpr double kEpsilon = 1e-5;  // torch's, as no key says it
constexpr int64_t kGroups = 32, kPoints = 4;

}  // namespace

swin::SwinConfig Mask2FormerConfig::swin() const {
  swin::SwinConfig config;
  config.depths = {2, 2, 18, 2};
  config.stages.out_features = std::vector<std::string>{"stage1", "stage2", "stage3", "stage4"};
  nn::read_sub_config(backbone_config, "backbone_config", config);
  return config;
}

std::vector<int64_t> Mask2FormerConfig::channels() const {
  const swin::SwinConfig c = swin();
  std::vector<int64_t> channels;
  for (const int64_t stage : c.stages.chosen(c.stage_count()))
    channels.push_back(c.size_of(std::max<int64_t>(stage, 1) - 1));
  return channels;
}

int64_t Mask2FormerConfig::fine_levels() const {
  int64_t levels = 0;
  const int64_t finest = *std::min_element(feature_strides.end() - kLevels, feature_strides.end());
  for (int64_t stride = common_stride; stride < finest; stride *= 2) ++levels;
  return levels;
}

void Mask2FormerConfig::validate() const {
  const auto refuse = [](ErrorKind kind, const char* what) { throw Error(kind, "config.json", what); };
  if (use_timm_backbone.value_or(false) || (!backbone_config.text.empty() && swin().model_type != "swin"))
    refuse(ErrorKind::kUnsupported, "the backbone is no swin");
  if (output_auxiliary_logits.value_or(false)) refuse(ErrorKind::kUnsupported, "output_auxiliary_logits");
  require_heads("hidden_dim", hidden_dim, "num_attention_heads", num_attention_heads);
  require_heads("feature_size", feature_size, "num_attention_heads", num_attention_heads);
  if (feature_size % kGroups != 0 || hidden_dim % 4 != 0 || common_stride < 1 || num_queries < 1 || decoder_layers < 1)
    refuse(ErrorKind::kInvalidFile, "feature_size, hidden_dim, common_stride, num_queries or decoder_layers");
  if (feature_strides.size() < kLevels || channels().size() < kLevels ||
      fine_levels() > static_cast<int64_t>(channels().size()))
    refuse(ErrorKind::kInvalidFile, "feature_strides and the backbone's stages are too few");
}

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

PixelDecoderLayer::PixelDecoderLayer(const Mask2FormerConfig& c)
    : self_attn(c.feature_size, c.num_attention_heads, kLevels, kPoints),
      self_attn_layer_norm(c.feature_size, kEpsilon),
      final_layer_norm(c.feature_size, kEpsilon),
      fc1(c.feature_size, c.encoder_feedforward_dim),
      fc2(c.encoder_feedforward_dim, c.feature_size) {}

Tensor PixelDecoderLayer::operator()(const Tensor& x_BND, const Tensor& places_BND,
                                     const std::vector<nn::Extent>& maps) const {
  const Tensor h_BND = self_attn_layer_norm(x_BND + self_attn(x_BND + places_BND, x_BND, maps));
  return final_layer_norm(h_BND + fc2(relu(fc1(h_BND))));
}

PixelDecoder::PixelDecoder(const Mask2FormerConfig& c)
    : level_embed(parameter({kLevels, c.feature_size})), mask_projection(c.feature_size, c.mask_feature_size, 1) {
  const std::vector<int64_t> channels = c.channels();
  for (size_t level = 0; level < kLevels; ++level)
    input_projections.emplace_back(channels[channels.size() - 1 - level], c.feature_size, 1, true);
  for (int64_t i = 0; i < c.encoder_layers; ++i) encoder.layers.emplace_back(c);
  for (int64_t i = 0; i < c.fine_levels(); ++i) {
    adapters.emplace_back(channels[i], c.feature_size, 1, false);
    output_convolutions.emplace_back(c.feature_size, c.feature_size, 3, false);
  }
}

void PixelDecoder::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "level_embed, input_projections, encoder, mask_projection", level_embed,
                                input_projections, encoder, mask_projection);
  for (size_t i = 0; i < adapters.size(); ++i) {
    imago::internal::visit_field(visitor, fmt::format("adapter_{}", i + 1), adapters[i]);
    imago::internal::visit_field(visitor, fmt::format("layer_{}", i + 1), output_convolutions[i]);
  }
}

Tensors PixelDecoder::operator()(const Tensors& features) const {
  std::vector<nn::Extent> maps;
  Tensors tokens, places;
  for (int64_t level = 0; level < kLevels; ++level) {
    const Tensor x = input_projections[level](features[features.size() - 1 - level]);
    maps.push_back({x.size(2), x.size(3)});
    tokens.push_back(nn::to_tokens(x));
    const Tensor whole = Tensor::ones({1, x.size(2), x.size(3)}, DType::boolean);
    places.push_back(nn::sine_positions(whole, x.size(1) / 2, x.dtype()) + select(level_embed, 0, level));
  }
  Tensor x_BND = concat(tokens, 1);
  const Tensor places_BND = concat(places, 1);
  for (const PixelDecoderLayer& layer : encoder.layers) x_BND = layer(x_BND, places_BND, maps);

  Tensors out;
  int64_t begin = 0;
  for (const nn::Extent& map : maps) {
    out.push_back(nn::to_picture(narrow(x_BND, 1, begin, map.height * map.width), map.height, map.width));
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

}  // namespace imago::mask2former
