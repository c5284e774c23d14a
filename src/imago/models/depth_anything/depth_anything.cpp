// B batch, C channels, H height, W width.
#include "imago/models/depth_anything/depth_anything.h"

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/nn/sub_config.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::depth_anything {

dinov2::Dinov2Config DepthAnythingConfig::dinov2() const {
  dinov2::Dinov2Config config;
  config.image_size = {518};
  config.hidden_size = 384;
  config.num_attention_heads = 6;
  config.stages.out_indices = std::vector<int64_t>{9, 10, 11, 12};
  config.reshape_hidden_states = false;
  nn::read_sub_config(backbone_config, "backbone_config", config);
  return config;
}

void DepthAnythingConfig::validate() const {
  const dinov2::Dinov2Config c = dinov2();
  if ((!backbone_config.text.empty() && c.model_type != "dinov2") || use_timm_backbone.value_or(false))
    throw Error(ErrorKind::kUnsupported, "config.json", "the backbone is no dinov2",
                "take a checkpoint whose backbone is one");
  if (c.reshape_hidden_states)
    throw Error(ErrorKind::kUnsupported, "config.json", "reshape_hidden_states of the backbone", "set it to false");
  if (depth_estimation_type != "relative" && depth_estimation_type != "metric")
    throw Error(ErrorKind::kInvalidFile, "config.json", "depth_estimation_type is neither relative nor metric");
  const size_t stages = neck_hidden_sizes.size();
  const auto index = head_in_index < 0 ? head_in_index + static_cast<int64_t>(stages) : head_in_index;
  if (stages == 0 || reassemble_factors.size() != stages || c.stages.chosen(c.num_hidden_layers).size() != stages ||
      index < 0 || index >= static_cast<int64_t>(stages))
    throw Error(ErrorKind::kInvalidFile, "config.json",
                "the backbone, the neck and head_in_index are not of the same stages");
}

Reassemble::Reassemble(const DepthAnythingConfig& c, size_t stage)
    : projection(c.reassemble_hidden_size, c.neck_hidden_sizes[stage], 1) {
  const int64_t channels = c.neck_hidden_sizes[stage];
  const double factor = c.reassemble_factors[stage];
  if (factor > 1) {
    enlarge.emplace(channels, channels, static_cast<int64_t>(factor), static_cast<int64_t>(factor));
  } else if (factor < 1) {
    shrink.emplace(channels, channels, 3, nn::Conv2dOptions{.stride = static_cast<int64_t>(1 / factor), .padding = 1});
  }
}

void Reassemble::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "projection, resize, resize", projection, enlarge, shrink);
}

Tensor Reassemble::operator()(const Tensor& x_BCHW) const {
  const Tensor y = projection(x_BCHW);
  return enlarge ? (*enlarge)(y) : shrink ? (*shrink)(y) : y;
}

Residual::Residual(int64_t channels)
    : convolution1(channels, channels, 3, {.padding = 1}), convolution2(channels, channels, 3, {.padding = 1}) {}

Tensor Residual::operator()(const Tensor& x_BCHW) const {
  return convolution2(relu(convolution1(relu(x_BCHW)))) + x_BCHW;
}

Fusion::Fusion(int64_t channels)
    : projection(channels, channels, 1), residual_layer1(channels), residual_layer2(channels) {}

Tensor Fusion::operator()(const Tensor& fused, const Tensor& x_BCHW, const Shape& size) const {
  Tensor y = x_BCHW;
  if (fused) {
    if (!(fused.shape() == x_BCHW.shape()))
      y = interpolate(x_BCHW, {.size = {fused.size(2), fused.size(3)}, .mode = "bilinear"});
    y = fused + residual_layer1(y);
  }
  y = residual_layer2(y);
  InterpolateOptions options{.mode = "bilinear", .align_corners = true};
  if (size.size() > 0) {
    options.size = size;
  } else {
    options.scale_factor = {2};
  }
  return projection(interpolate(y, options));
}

Neck::Neck(const DepthAnythingConfig& c) {
  for (size_t stage = 0; stage < c.neck_hidden_sizes.size(); ++stage) {
    reassemble_stage.layers.emplace_back(c, stage);
    convs.emplace_back(c.neck_hidden_sizes[stage], c.fusion_hidden_size, 3,
                       nn::Conv2dOptions{.padding = 1, .bias = false});
    fusion_stage.layers.emplace_back(c.fusion_hidden_size);
  }
}

Tensors Neck::operator()(const Tensors& maps_BCHW) const {
  Tensors features, fused;  // the first from the finest on, the second from the coarsest
  for (size_t i = 0; i < maps_BCHW.size(); ++i) features.push_back(convs[i](reassemble_stage.layers[i](maps_BCHW[i])));
  for (size_t i = 0; i < features.size(); ++i) {
    const size_t at = features.size() - 1 - i;
    const Shape size = at > 0 ? Shape{features[at - 1].size(2), features[at - 1].size(3)} : Shape{};
    fused.push_back(fusion_stage.layers[i](i > 0 ? fused.back() : Tensor(), features[at], size));
  }
  return fused;
}

Head::Head(const DepthAnythingConfig& c)
    : conv1(c.fusion_hidden_size, c.fusion_hidden_size / 2, 3, {.padding = 1}),
      conv2(c.fusion_hidden_size / 2, c.head_hidden_size, 3, {.padding = 1}),
      conv3(c.head_hidden_size, 1, 1) {}

DepthAnythingForDepthEstimation::DepthAnythingForDepthEstimation(const DepthAnythingConfig& c)
    : Backbone(c), backbone(c.dinov2()), neck(c), head(c) {}

WeightMap DepthAnythingForDepthEstimation::weight_map() const {
  return {.rules = backbone.weight_map().rules, .ignored = {"*embeddings.mask_token"}};
}

DepthOutput DepthAnythingForDepthEstimation::forward(const ImageInputs& in) const {
  const DepthAnythingConfig& c = config();
  BackboneOutput below = backbone.forward(in);
  const int64_t rows = in.pixel_values.size(2) / c.patch_size, columns = in.pixel_values.size(3) / c.patch_size;
  Tensors maps;
  for (const Tensor& tokens : below.feature_maps)
    maps.push_back(nn::to_picture(narrow(tokens, 1, 1, tokens.size(1) - 1), rows, columns));
  const Tensors fused = neck(maps);
  const Tensor& chosen = c.head_in_index < 0 ? fused.at(fused.size() + c.head_in_index) : fused.at(c.head_in_index);
  const Tensor pixels =
      interpolate(head.conv1(chosen),
                  {.size = {rows * c.patch_size, columns * c.patch_size}, .mode = "bilinear", .align_corners = true});
  const Tensor depth = head.conv3(relu(head.conv2(pixels)));
  DepthOutput out;
  out.predicted_depth =
      squeeze((c.depth_estimation_type == "metric" ? sigmoid(depth) : relu(depth)) * c.max_depth.value_or(1), 1);
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::depth_anything

namespace imago {

void register_depth_anything(Registry& registry) {
  using namespace depth_anything;
  registry.add<DepthAnythingForDepthEstimation>("DepthAnythingForDepthEstimation");
}

}  // namespace imago
