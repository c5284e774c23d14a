#include "imago/models/resnet/resnet.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/nn/vision/normed_convolution.h"
#include "imago/nn/vision/patches.h"
#include "imago/ops/pooling/pooling.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::resnet {

void ResNetConfig::validate() const {
  nn::require_stages(stage_count(), {{"depths", depths.size()}});
  if (layer_type != "bottleneck" && layer_type != "basic")
    throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("layer_type \"{}\"", layer_type));
}

Tensor ConvLayer::operator()(const Tensor& x, const Tensor& residual) const {
  const bool with_relu = activation == nn::activation("relu");
  const Tensor y = nn::normed_convolution(convolution, normalization, x, residual, with_relu);
  return activation != nullptr && !with_relu ? activation(y) : y;
}

Layer::Layer(const ResNetConfig& c, int64_t in, int64_t out, int64_t stride) {
  const nn::Activation act = nn::activation(c.hidden_act);
  const nn::Activation relu = nn::activation("relu");  // inside a block, whatever hidden_act is
  if (in != out || stride != 1) shortcut.emplace(in, out, 1, stride, nullptr);
  if (c.layer_type == "basic") {
    layer = {{in, out, 3, stride, relu}, {out, out, 3, 1, act}};
    return;
  }
  const int64_t narrow = out / 4, first = c.downsample_in_bottleneck ? stride : 1;
  layer = {{in, narrow, 1, first, relu}, {narrow, narrow, 3, stride / first, relu}, {narrow, out, 1, 1, act}};
}

Trunk::Trunk(const ResNetConfig& c) : embedder(c.num_channels, c.embedding_size, 7, 2, nn::activation(c.hidden_act)) {
  for (int64_t i = 0; i < c.stage_count(); ++i) {
    Stage& stage = stages.emplace_back();
    const int64_t in = i == 0 ? c.embedding_size : c.hidden_sizes[i - 1], out = c.hidden_sizes[i];
    stage.layers.emplace_back(c, in, out, i > 0 || c.downsample_in_first_stage ? 2 : 1);
    for (int64_t j = 1; j < c.depths[i]; ++j) stage.layers.emplace_back(c, out, out, 1);
  }
}

void Trunk::freeze_norms() {
  const auto freeze = [](ConvLayer& each) {
    each.normalization.frozen = true;
    each.normalization.num_batches_tracked = {};
  };
  freeze(embedder);
  for (Stage& stage : stages) {
    for (Layer& layer : stage.layers) {
      if (layer.shortcut) freeze(*layer.shortcut);
      for (ConvLayer& each : layer.layer) freeze(each);
    }
  }
}

BaseModelOutput Trunk::operator()(const ImageInputs& in) const {
  nn::check_pixels(in, embedder.convolution.weight.size(1));
  nn::Recorder record(in);
  Tensor x = max_pool(embedder(in.pixel_values), {3}, {2}, {1});
  for (const Stage& stage : stages) {
    record(x);
    for (const Layer& layer : stage.layers) x = layer(x);
  }
  return record.finish(x);
}

// Under the interface of a bare model or of a backbone.
template <class Interface>
struct ResNet : nn::Backbone<ResNetConfig, Interface> {
  static constexpr nn::FieldName kBaseModelPrefix = "resnet";
  Trunk trunk;
  void each_field(FieldVisitor& visitor) override { trunk.each_field(visitor); }

  explicit ResNet(const ResNetConfig& c) : nn::Backbone<ResNetConfig, Interface>(c), trunk(c) {}
  WeightMap weight_map() const override { return {.base_model_prefix = "resnet"}; }
};

struct ResNetModel : ResNet<ImageModel> {
  using ResNet::ResNet;
  BaseModelOutput forward(const ImageInputs& in) const override {
    BaseModelOutput out = trunk(in);
    out.pooler_output = adaptive_avg_pool(out.last_hidden_state, {1, 1});  // [B, C, 1, 1]
    return out;
  }
};

struct ResNetBackbone : ResNet<ImageBackbone> {
  using ResNet::ResNet;
  BackboneOutput forward(const ImageInputs& in) const override {
    return nn::feature_maps(trunk, in, config().stages.chosen(config().stage_count()),
                            [](int64_t, const Tensor& x) { return x; });
  }
};

Tensor flat_pooler_output(const BaseModelOutput& output) { return flatten(output.pooler_output, 1, 3); }
using ResNetForImageClassification =
    nn::ForImageClassification<ResNetModel, flat_pooler_output, nn::LabelScores<true>, "classifier.1">;

}  // namespace imago::resnet

REGISTER_MODELS(resnet, ResNetModel, ResNetForImageClassification, ResNetBackbone)
