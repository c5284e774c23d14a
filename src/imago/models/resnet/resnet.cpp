#include "imago/models/resnet/resnet.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/nn/vision/patches.h"
#include "imago/ops/operators.h"
#include "imago/ops/pooling/pooling.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::resnet {

void ResNetConfig::each_field(FieldVisitor& visitor) {
  Config::each_field(visitor);
  imago::internal::visit_fields(visitor,
                                "num_channels, embedding_size, hidden_sizes, depths, layer_type, hidden_act, "
                                "downsample_in_first_stage, downsample_in_bottleneck, num_stages",
                                num_channels, embedding_size, hidden_sizes, depths, layer_type, hidden_act,
                                downsample_in_first_stage, downsample_in_bottleneck, num_stages);
  stages.each_field(visitor);
}

void ResNetConfig::validate() const {
  if (hidden_sizes.empty() || hidden_sizes.size() != depths.size())
    throw Error(ErrorKind::kInvalidFile, "config.json", "hidden_sizes and depths are not of the same stages");
  if (layer_type != "bottleneck" && layer_type != "basic")
    throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("layer_type \"{}\"", layer_type));
}

ConvLayer::ConvLayer(int64_t in, int64_t out, int64_t kernel, int64_t stride, nn::Activation act)
    : convolution(in, out, kernel, {.stride = stride, .padding = kernel / 2, .bias = false}),
      normalization(out),
      activation(act) {}

Tensor ConvLayer::operator()(const Tensor& x) const {
  const Tensor y = normalization(convolution(x));
  return activation != nullptr ? activation(y) : y;
}

Embedder::Embedder(const ResNetConfig& c)
    : embedder(c.num_channels, c.embedding_size, 7, 2, nn::activation(c.hidden_act)), channels(c.num_channels) {}

Tensor Embedder::operator()(const ImageInputs& in) const {
  nn::check_pixels(in, channels);
  return max_pool(embedder(in.pixel_values), {3}, {2}, {1});
}

Layer::Layer(const ResNetConfig& c, int64_t in, int64_t out, int64_t stride)
    : activation(nn::activation(c.hidden_act)) {
  const nn::Activation relu = nn::activation("relu");  // inside a block, whatever hidden_act is
  if (in != out || stride != 1) shortcut.emplace(in, out, 1, stride, nullptr);
  if (c.layer_type == "basic") {
    layer.emplace_back(in, out, 3, stride, relu);
    layer.emplace_back(out, out, 3, 1, nullptr);
    return;
  }
  const int64_t narrow = out / 4;
  const bool at_once = c.downsample_in_bottleneck;
  layer.emplace_back(in, narrow, 1, at_once ? stride : 1, relu);
  layer.emplace_back(narrow, narrow, 3, at_once ? 1 : stride, relu);
  layer.emplace_back(narrow, out, 1, 1, nullptr);
}

Tensor Layer::operator()(const Tensor& x) const {
  Tensor y = x;
  for (const ConvLayer& each : layer) y = each(y);
  return activation(y + (shortcut ? (*shortcut)(x) : x));
}

Trunk::Trunk(const ResNetConfig& c) : embedder(c) {
  for (int64_t i = 0; i < c.stage_count(); ++i) {
    Stage& stage = encoder.stages.emplace_back();
    const int64_t in = i == 0 ? c.embedding_size : c.hidden_sizes[i - 1], out = c.hidden_sizes[i];
    stage.layers.emplace_back(c, in, out, i > 0 || c.downsample_in_first_stage ? 2 : 1);
    for (int64_t j = 1; j < c.depths[i]; ++j) stage.layers.emplace_back(c, out, out, 1);
  }
}

void Trunk::freeze_norms() {
  const auto freeze = [](nn::BatchNorm2d& norm) {
    norm.frozen = true;
    norm.num_batches_tracked = {};
  };
  freeze(embedder.embedder.normalization);
  for (Stage& stage : encoder.stages) {
    for (Layer& layer : stage.layers) {
      if (layer.shortcut) freeze(layer.shortcut->normalization);
      for (ConvLayer& each : layer.layer) freeze(each.normalization);
    }
  }
}

BaseModelOutput Trunk::operator()(const ImageInputs& in) const {
  nn::Recorder record(in);
  Tensor x = embedder(in);
  for (const Stage& stage : encoder.stages) {
    record(x);
    for (const Layer& layer : stage.layers) x = layer(x);
  }
  return record.finish(x);
}

WeightMap ResNetModel::weight_map() const { return {.base_model_prefix = "resnet"}; }
WeightMap ResNetBackbone::weight_map() const { return {.base_model_prefix = "resnet"}; }

BaseModelOutput ResNetModel::forward(const ImageInputs& in) const {
  BaseModelOutput out = trunk(in);
  out.pooler_output = adaptive_avg_pool(out.last_hidden_state, {1, 1});
  return out;
}

BackboneOutput ResNetBackbone::forward(const ImageInputs& in) const {
  return nn::feature_maps(trunk, in, config().stages.chosen(config().stage_count()),
                          [](int64_t, const Tensor& x) { return x; });
}

Tensor flat_pooler_output(const BaseModelOutput& output) { return flatten(output.pooler_output, 1, 3); }

}  // namespace imago::resnet

namespace imago {

void register_resnet(Registry& registry) {
  using namespace resnet;
  registry.add<ResNetModel>("ResNetModel");
  registry.add<ResNetForImageClassification>("ResNetForImageClassification");
  registry.add<ResNetBackbone>("ResNetBackbone");
}

}  // namespace imago
