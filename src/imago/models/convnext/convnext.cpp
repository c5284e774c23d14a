// ConvNeXT (Liu et al. 2022, "A ConvNet for the 2020s"). B batch, C channels, H height, W width.
#include <functional>

#include "imago/nn/activations.h"
#include "imago/nn/backbone.h"
#include "imago/nn/drop_path.h"
#include "imago/nn/named_fields.h"
#include "imago/nn/registry.h"
#include "imago/nn/vision/feature_maps.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/patches.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"

namespace imago::convnext {

struct ConvNextConfig : nn::StagedConfig {
  static constexpr const char* kModelType = "convnext";
  int64_t num_channels = 3, num_stages = 4;
  std::vector<int64_t> patch_size = {4}, image_size = {224}, hidden_sizes = {96, 192, 384, 768}, depths = {3, 3, 9, 3};
  std::string hidden_act = "gelu";
  double layer_norm_eps = 1e-12, layer_scale_init_value = 1e-6, drop_path_rate = 0;
  FIELDS_AND(StagedConfig, num_channels, num_stages, patch_size, image_size, hidden_sizes, depths, hidden_act,
             layer_norm_eps, layer_scale_init_value, drop_path_rate)

  void validate() const override {
    nn::require_stages(num_stages, {{"hidden_sizes", hidden_sizes.size()}, {"depths", depths.size()}});
  }
  int64_t output_size() const { return hidden_sizes.back(); }
};

struct Layer : Module {
  nn::Conv2d dwconv;
  nn::LayerNorm layernorm;
  nn::Linear pwconv1, pwconv2;
  Tensor layer_scale_parameter;
  FIELDS(dwconv, layernorm, pwconv1, pwconv2, layer_scale_parameter)

  Layer(const ConvNextConfig& c, int64_t channels, double rate)
      : dwconv(channels, channels, 7, {.padding = 3, .groups = channels}),
        layernorm(channels, 1e-6),
        pwconv1(channels, 4 * channels),
        pwconv2(4 * channels, channels),
        activation(nn::activation(c.hidden_act)),
        path_rate(rate) {
    if (c.layer_scale_init_value > 0) layer_scale_parameter = parameter({channels});
  }
  Tensor operator()(const Tensor& x_BCHW) const {
    const Tensor x_BHWC = permute(dwconv(x_BCHW), {0, 2, 3, 1});
    Tensor y_BHWC = pwconv2(activation(pwconv1(layernorm(x_BHWC))));
    if (layer_scale_parameter) y_BHWC = layer_scale_parameter * y_BHWC;
    return x_BCHW + nn::drop_path(permute(y_BHWC, {0, 3, 1, 2}), path_rate);
  }

  nn::Activation activation;
  double path_rate;
};

// Half the size, from the second stage on; then the layers.
struct Stage : Module {
  std::optional<nn::PixelNorm> norm;
  std::optional<nn::Conv2d> halve;
  std::vector<Layer> layers;
  FIELDS_NAMED("downsampling_layer.0, downsampling_layer.1, layers", norm, halve, layers)

  Stage(const ConvNextConfig& c, int64_t stage, const std::vector<double>& path_rates) {
    const int64_t in = c.hidden_sizes[std::max<int64_t>(stage - 1, 0)], channels = c.hidden_sizes[stage];
    if (stage > 0) {
      norm.emplace(in);
      halve.emplace(in, channels, 2, nn::Conv2dOptions{.stride = 2});
    }
    for (const double rate : path_rates) layers.emplace_back(c, channels, rate);
  }
  Tensor operator()(Tensor x_BCHW) const {
    if (norm) x_BCHW = (*halve)((*norm)(x_BCHW));
    for (const Layer& layer : layers) x_BCHW = layer(x_BCHW);
    return x_BCHW;
  }
};

// Under the interface of a bare model or of a backbone.
template <class Interface>
struct ConvNext : nn::Backbone<ConvNextConfig, Interface> {
  static constexpr nn::FieldName kBaseModelPrefix = "convnext";
  nn::Conv2d patch_embeddings;
  nn::PixelNorm embeddings_norm;
  std::vector<Stage> stages;
  FIELDS_NAMED("embeddings.patch_embeddings, embeddings.layernorm, encoder.stages", patch_embeddings, embeddings_norm,
               stages)

  explicit ConvNext(const ConvNextConfig& c)
      : nn::Backbone<ConvNextConfig, Interface>(c), embeddings_norm(c.hidden_sizes[0]) {
    const nn::Extent patch = nn::extent(c.patch_size, "patch_size");
    patch_embeddings = nn::Conv2d::patches(c.num_channels, c.hidden_sizes[0], patch.height, patch.width);
    const std::vector<std::vector<double>> rates = nn::growing_rates(c.drop_path_rate, c.depths);
    for (int64_t stage = 0; stage < c.num_stages; ++stage) stages.emplace_back(c, stage, rates[stage]);
  }
  WeightMap weight_map() const override { return {.base_model_prefix = "convnext"}; }
  BaseModelOutput trunk(const ImageInputs& in) const {
    nn::check_pixels(in, patch_embeddings.weight.size(1));
    nn::Recorder record(in);
    Tensor x_BCHW = embeddings_norm(patch_embeddings(in.pixel_values));
    for (const Stage& stage : stages) x_BCHW = stage(record(x_BCHW));
    return record.finish(x_BCHW);
  }
};

struct ConvNextModel : ConvNext<ImageModel> {
  nn::LayerNorm layernorm;
  FIELDS_AND(ConvNext, layernorm)

  explicit ConvNextModel(const ConvNextConfig& c) : ConvNext(c), layernorm(c.hidden_sizes.back(), c.layer_norm_eps) {}
  BaseModelOutput forward(const ImageInputs& in) const override {
    BaseModelOutput out = trunk(in);
    out.pooler_output = layernorm(mean(out.last_hidden_state, {2, 3}));
    return out;
  }
};

struct ConvNextBackbone : ConvNext<ImageBackbone> {
  nn::StageNorms hidden_states_norms;
  FIELDS_AND(ConvNext, hidden_states_norms)

  explicit ConvNextBackbone(const ConvNextConfig& c) : ConvNext(c) {
    for (const int64_t stage : c.stages.chosen(c.num_stages))
      hidden_states_norms.norms.emplace(stage, c.hidden_sizes.at(std::max<int64_t>(stage, 1) - 1));
  }
  BackboneOutput forward(const ImageInputs& in) const override {
    return nn::feature_maps([this](const ImageInputs& each) { return trunk(each); }, in,
                            config().stages.chosen(config().num_stages), std::cref(hidden_states_norms));
  }
};

using ConvNextForImageClassification = nn::ForImageClassification<ConvNextModel, nn::pooler_output>;

}  // namespace imago::convnext

REGISTER_MODELS(convnext, ConvNextModel, ConvNextForImageClassification, ConvNextBackbone)
