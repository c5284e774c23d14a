#include "imago/models/convnext/convnext.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/nn/vision/patches.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"

namespace imago::convnext {
namespace {

Tensor channels_last(const Tensor& x_BCHW) { return permute(x_BCHW, {0, 2, 3, 1}); }
Tensor channels_first(const Tensor& x_BHWC) { return permute(x_BHWC, {0, 3, 1, 2}); }

}  // namespace

void ConvNextConfig::each_field(FieldVisitor& visitor) {
  Config::each_field(visitor);
  imago::internal::visit_fields(visitor,
                                "num_channels, num_stages, patch_size, image_size, hidden_sizes, depths, hidden_act, "
                                "layer_norm_eps, layer_scale_init_value",
                                num_channels, num_stages, patch_size, image_size, hidden_sizes, depths, hidden_act,
                                layer_norm_eps, layer_scale_init_value);
  stages.each_field(visitor);
}

void ConvNextConfig::validate() const {
  const auto stages_of = [&](const std::vector<int64_t>& list) { return static_cast<int64_t>(list.size()); };
  if (num_stages >= 1 && stages_of(hidden_sizes) == num_stages && stages_of(depths) == num_stages) return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              fmt::format("hidden_sizes and depths are not of {} stages", num_stages));
}

Embeddings::Embeddings(const ConvNextConfig& c) : layernorm(c.hidden_sizes[0]) {
  const nn::Extent patch = nn::extent(c.patch_size, "patch_size");
  patch_embeddings = nn::Conv2d::patches(c.num_channels, c.hidden_sizes[0], patch.height, patch.width);
}

Layer::Layer(const ConvNextConfig& c, int64_t channels)
    : dwconv(channels, channels, 7, {.padding = 3, .groups = channels}),
      layernorm(channels, 1e-6),
      pwconv1(channels, 4 * channels),
      pwconv2(4 * channels, channels),
      activation(nn::activation(c.hidden_act)) {
  if (c.layer_scale_init_value > 0) layer_scale_parameter = parameter({channels});
}

Tensor Layer::operator()(const Tensor& x_BCHW) const {
  Tensor y_BHWC = pwconv2(activation(pwconv1(layernorm(channels_last(dwconv(x_BCHW))))));
  if (layer_scale_parameter) y_BHWC = layer_scale_parameter * y_BHWC;
  return x_BCHW + channels_first(y_BHWC);
}

void Downsampling::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "0, 1", norm, convolution);
}

Stage::Stage(const ConvNextConfig& c, int64_t stage) {
  const int64_t channels = c.hidden_sizes.at(stage);
  if (stage > 0) downsampling_layer.emplace(c.hidden_sizes.at(stage - 1), channels);
  for (int64_t i = 0; i < c.depths.at(stage); ++i) layers.emplace_back(c, channels);
}

Tensor Stage::operator()(const Tensor& x_BCHW) const {
  Tensor x = x_BCHW;
  if (downsampling_layer) x = downsampling_layer->convolution(downsampling_layer->norm(x));
  for (const Layer& layer : layers) x = layer(x);
  return x;
}

Trunk::Trunk(const ConvNextConfig& c) : embeddings(c) {
  for (int64_t stage = 0; stage < c.num_stages; ++stage) encoder.stages.emplace_back(c, stage);
}

BaseModelOutput Trunk::operator()(const ImageInputs& in) const {
  nn::check_pixels(in, embeddings.patch_embeddings.weight.size(1));
  nn::Recorder record(in);
  Tensor x = embeddings.layernorm(embeddings.patch_embeddings(in.pixel_values));
  for (const Stage& stage : encoder.stages) x = stage(record(x));
  return record.finish(x);
}

ConvNextModel::ConvNextModel(const ConvNextConfig& c)
    : Backbone(c), trunk(c), layernorm(c.hidden_sizes.back(), c.layer_norm_eps) {}

void ConvNextModel::each_field(FieldVisitor& visitor) {
  trunk.each_field(visitor);
  imago::internal::visit_field(visitor, "layernorm", layernorm);
}

BaseModelOutput ConvNextModel::forward(const ImageInputs& in) const {
  BaseModelOutput out = trunk(in);
  out.pooler_output = layernorm(mean(out.last_hidden_state, {2, 3}));
  return out;
}

ConvNextBackbone::ConvNextBackbone(const ConvNextConfig& c) : Backbone(c), trunk(c) {
  for (const int64_t stage : c.stages.chosen(c.num_stages))
    hidden_states_norms.emplace(stage, nn::PixelNorm(c.hidden_sizes.at(std::max<int64_t>(stage, 1) - 1)));
}

void ConvNextBackbone::each_field(FieldVisitor& visitor) {
  trunk.each_field(visitor);
  for (auto& [stage, norm] : hidden_states_norms) {
    const std::string name = stage == 0 ? "stem" : fmt::format("stage{}", stage);
    imago::internal::visit_field(visitor, "hidden_states_norms." + name, norm);
  }
}

BackboneOutput ConvNextBackbone::forward(const ImageInputs& in) const {
  return nn::feature_maps(trunk, in, config().stages.chosen(config().num_stages),
                          [&](int64_t stage, const Tensor& x) { return hidden_states_norms.at(stage)(x); });
}

}  // namespace imago::convnext

namespace imago {

void register_convnext(Registry& registry) {
  using namespace convnext;
  registry.add<ConvNextModel>("ConvNextModel");
  registry.add<ConvNextForImageClassification>("ConvNextForImageClassification");
  registry.add<ConvNextBackbone>("ConvNextBackbone");
}

}  // namespace imago
