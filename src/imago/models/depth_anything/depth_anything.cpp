// Depth Anything (Yang et al. 2024, "Depth Anything: Unleashing the Power of Large-Scale Unlabeled Data").
// B batch, C channels, H height, W width.
#include "imago/base/error.h"
#include "imago/nn/backbone.h"
#include "imago/nn/image_model.h"
#include "imago/nn/model_part.h"
#include "imago/nn/named_fields.h"
#include "imago/nn/vision/convolution_layers.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::depth_anything {

struct DepthAnythingConfig : Config {
  static constexpr const char* kModelType = "depth_anything";
  JsonText backbone_config;
  std::optional<std::string> backbone;
  std::optional<bool> use_timm_backbone, use_pretrained_backbone;
  int64_t patch_size = 14, reassemble_hidden_size = 384, fusion_hidden_size = 64, head_in_index = -1;
  int64_t head_hidden_size = 32;
  std::vector<double> reassemble_factors = {4, 2, 1, 0.5};
  std::vector<int64_t> neck_hidden_sizes = {48, 96, 192, 384};
  std::string depth_estimation_type = "relative";
  std::optional<double> max_depth;
  FIELDS_AND(Config, backbone_config, backbone, use_timm_backbone, use_pretrained_backbone, patch_size,
             reassemble_hidden_size, fusion_hidden_size, head_in_index, head_hidden_size, reassemble_factors,
             neck_hidden_sizes, depth_estimation_type, max_depth)

  DepthAnythingConfig() {
    backbone_config.text = R"({"model_type": "dinov2", "image_size": 518, "hidden_size": 384, "num_attention_heads": 6,
                               "out_indices": [9, 10, 11, 12], "reshape_hidden_states": false})";
  }
  void validate() const override;
  int64_t stages() const { return static_cast<int64_t>(neck_hidden_sizes.size()); }
  int64_t head_stage() const { return head_in_index < 0 ? head_in_index + stages() : head_in_index; }
};

void DepthAnythingConfig::validate() const {
  if (use_timm_backbone.value_or(false))
    throw Error(ErrorKind::kUnsupported, "config.json", "the backbone is one of timm", "take a checkpoint with dinov2");
  if (depth_estimation_type != "relative" && depth_estimation_type != "metric")
    throw Error(ErrorKind::kInvalidFile, "config.json", "depth_estimation_type is neither relative nor metric");
  if (reassemble_factors.size() != neck_hidden_sizes.size() || head_stage() < 0 || head_stage() >= stages())
    throw Error(ErrorKind::kInvalidFile, "config.json", "the neck and head_in_index are not of the same stages");
}

// A feature map at another size: larger, the same, or smaller.
struct Reassemble : Module {
  nn::Conv2d projection;
  std::optional<nn::ConvTranspose2d> enlarge;
  std::optional<nn::Conv2d> shrink;
  FIELDS_NAMED("projection, resize, resize", projection, enlarge, shrink)

  Reassemble(int64_t in, int64_t channels, double factor) : projection(in, channels, 1) {
    const auto times = static_cast<int64_t>(factor), part = static_cast<int64_t>(1 / factor);
    if (factor > 1) enlarge.emplace(channels, channels, times, times);
    if (factor < 1) shrink.emplace(channels, channels, 3, nn::Conv2dOptions{.stride = part, .padding = 1});
  }
  Tensor operator()(const Tensor& x_BCHW) const {
    const Tensor y = projection(x_BCHW);
    return enlarge ? (*enlarge)(y) : shrink ? (*shrink)(y) : y;
  }
};

struct Residual : Module {
  nn::Conv2d convolution1, convolution2;
  FIELDS(convolution1, convolution2)

  explicit Residual(int64_t channels)
      : convolution1(channels, channels, 3, {.padding = 1}), convolution2(channels, channels, 3, {.padding = 1}) {}
  Tensor operator()(const Tensor& x_BCHW) const { return convolution2(relu(convolution1(relu(x_BCHW)))) + x_BCHW; }
};

struct Fusion : Module {
  nn::Conv2d projection;
  Residual residual_layer1, residual_layer2;
  FIELDS(projection, residual_layer1, residual_layer2)

  explicit Fusion(int64_t channels)
      : projection(channels, channels, 1), residual_layer1(channels), residual_layer2(channels) {}
  // Of what was fused so far (nothing at first) and a finer map, at `size`, or at twice its own where that is empty.
  Tensor operator()(const Tensor& fused, Tensor x_BCHW, const Shape& size) const {
    if (fused) {
      if (!(fused.shape() == x_BCHW.shape()))
        x_BCHW = interpolate(x_BCHW, {.size = {fused.size(2), fused.size(3)}, .mode = "bilinear"});
      x_BCHW = fused + residual_layer1(x_BCHW);
    }
    InterpolateOptions options{.size = size, .mode = "bilinear", .align_corners = true};
    if (size.size() == 0) options.scale_factor = {2};
    return projection(interpolate(residual_layer2(x_BCHW), options));
  }
};

struct Neck : Module {
  std::vector<Reassemble> reassemble;
  std::vector<nn::Conv2d> convs;
  std::vector<Fusion> fusion;
  FIELDS_NAMED("reassemble_stage.layers, convs, fusion_stage.layers", reassemble, convs, fusion)

  explicit Neck(const DepthAnythingConfig& c) {
    for (size_t i = 0; i < c.neck_hidden_sizes.size(); ++i) {
      const int64_t channels = c.neck_hidden_sizes[i];
      reassemble.emplace_back(c.reassemble_hidden_size, channels, c.reassemble_factors[i]);
      convs.emplace_back(channels, c.fusion_hidden_size, 3, nn::Conv2dOptions{.padding = 1, .bias = false});
      fusion.emplace_back(c.fusion_hidden_size);
    }
  }
  // From the coarsest map to the finest, each fused with those before.
  Tensors operator()(const Tensors& maps_BCHW) const {
    Tensors features, fused;
    for (size_t i = 0; i < maps_BCHW.size(); ++i) features.push_back(convs[i](reassemble[i](maps_BCHW[i])));
    for (size_t i = 0; i < features.size(); ++i) {
      const size_t at = features.size() - 1 - i;
      const Shape size = at > 0 ? Shape{features[at - 1].size(2), features[at - 1].size(3)} : Shape{};
      fused.push_back(fusion[i](i > 0 ? fused.back() : Tensor(), features[at], size));
    }
    return fused;
  }
};

struct Head : Module {
  nn::Conv2d conv1, conv2, conv3;
  FIELDS(conv1, conv2, conv3)

  explicit Head(const DepthAnythingConfig& c)
      : conv1(c.fusion_hidden_size, c.fusion_hidden_size / 2, 3, {.padding = 1}),
        conv2(c.fusion_hidden_size / 2, c.head_hidden_size, 3, {.padding = 1}),
        conv3(c.head_hidden_size, 1, 1) {}
};

struct DepthAnythingForDepthEstimation : nn::Backbone<DepthAnythingConfig, DepthEstimation> {
  std::unique_ptr<ImageBackbone> backbone;
  Neck neck;
  Head head;
  FIELDS(backbone, neck, head)

  explicit DepthAnythingForDepthEstimation(const DepthAnythingConfig& c)
      : Backbone(c),
        backbone(nn::make_part_as<ImageBackbone>(c.backbone_config, "backbone_config", "dinov2", {"AutoBackbone"})),
        neck(c),
        head(c) {}
  WeightMap weight_map() const override {
    WeightMap map;
    nn::add_part(map, "backbone", backbone->weight_map());
    return map;
  }
  DepthOutput forward(const ImageInputs& in) const override {
    const DepthAnythingConfig& c = config();
    BackboneOutput below = backbone->forward(in);
    if (static_cast<int64_t>(below.feature_maps.size()) != c.stages() || below.feature_maps[0].dim() != 3) {
      throw Error(ErrorKind::kUnsupported, "config.json",
                  "the backbone gives other than tokens of each of the neck's stages",
                  "set its out_indices, and reshape_hidden_states to false");
    }
    const int64_t rows = in.pixel_values.size(2) / c.patch_size, columns = in.pixel_values.size(3) / c.patch_size;
    Tensors maps;
    for (const Tensor& tokens : below.feature_maps)
      maps.push_back(nn::to_picture(narrow(tokens, 1, 1, tokens.size(1) - 1), rows, columns));
    const Tensor coarse = head.conv1(neck(maps).at(c.head_stage()));
    const Tensor pixels = interpolate(
        coarse, {.size = {rows * c.patch_size, columns * c.patch_size}, .mode = "bilinear", .align_corners = true});
    const Tensor depth = head.conv3(relu(head.conv2(pixels)));
    DepthOutput out;
    out.predicted_depth =
        squeeze((c.depth_estimation_type == "metric" ? sigmoid(depth) : relu(depth)) * c.max_depth.value_or(1), 1);
    take_states(out, std::move(below));
    return out;
  }
};

}  // namespace imago::depth_anything

REGISTER_MODELS(depth_anything, DepthAnythingForDepthEstimation)
