// B batch, N places of a map, Q queries, D hidden.
#include "imago/models/mask2former/mask2former.h"

#include <algorithm>
#include <limits>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/nn/sub_config.h"
#include "imago/nn/vision/sine_positions.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::mask2former {
namespace {

constexpr double kEpsilon = 1e-5;     // torch's, as no key says it
constexpr int64_t kJudgedSide = 384;  // of all checkpoints, whatever their pictures' size

// What queries attend to: the inside of the masks that they predict so far, or everything where that is empty.
Tensor inside_bias(const Tensor& masks_BQHW, nn::Extent map) {
  const Tensor small = interpolate(masks_BQHW.detach(), {.size = {map.height, map.width}, .mode = "bilinear"});
  const Tensor inside = flatten(ge(sigmoid(small), 0.5), 2, 3);
  const Tensor visible = logical_or(inside, logical_not(any(inside, {-1}, true)));
  const Tensor shown = Tensor::zeros({}, small.dtype());
  const Tensor hidden = Tensor::full({}, -std::numeric_limits<double>::infinity(), small.dtype());
  return unsqueeze(where(visible, shown, hidden), 1);
}

Tensor queries_first(const Tensor& x_BQD) { return transpose(x_BQD, 0, 1); }

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

nn::PixelDecoderOptions Mask2FormerConfig::decoder() const {
  return {channels(),     feature_size,        mask_feature_size, encoder_feedforward_dim,
          encoder_layers, num_attention_heads, fine_levels()};
}

void Mask2FormerConfig::validate() const {
  const auto refuse = [](ErrorKind kind, const char* what) { throw Error(kind, "config.json", what); };
  if (use_timm_backbone.value_or(false) || (!backbone_config.text.empty() && swin().model_type != "swin"))
    refuse(ErrorKind::kUnsupported, "the backbone is no swin");
  require_heads("hidden_dim", hidden_dim, "num_attention_heads", num_attention_heads);
  require_heads("feature_size", feature_size, "num_attention_heads", num_attention_heads);
  if (feature_size % 32 != 0 || hidden_dim % 4 != 0 || common_stride < 1 || num_queries < 1 || decoder_layers < 1)
    refuse(ErrorKind::kInvalidFile, "feature_size, hidden_dim, common_stride, num_queries or decoder_layers");
  if (feature_strides.size() < kLevels || channels().size() < kLevels ||
      fine_levels() > static_cast<int64_t>(channels().size()))
    refuse(ErrorKind::kInvalidFile, "feature_strides and the backbone's stages are too few");
}

Decoder::Decoder(const Mask2FormerConfig& c)
    : layernorm(c.hidden_dim, kEpsilon),
      mask_predictor{{}, nn::PredictionHead(c.hidden_dim, c.hidden_dim, c.mask_feature_size, 3)} {
  const nn::QueryLayerOptions options{.hidden_size = c.hidden_dim,
                                      .heads = c.num_attention_heads,
                                      .inner_size = c.dim_feedforward,
                                      .activation = c.activation_function,
                                      .pre_norm = c.pre_norm};
  for (int64_t i = 0; i + 1 < c.decoder_layers; ++i) layers.emplace_back(options);
}

TransformerModule::TransformerModule(const Mask2FormerConfig& c)
    : queries_embedder(c.num_queries, c.hidden_dim),
      queries_features(c.num_queries, c.hidden_dim),
      level_embed(kLevels, c.hidden_dim),
      decoder(c) {
  if (c.feature_size == c.hidden_dim && !c.enforce_input_projection) return;
  for (int64_t i = 0; i < kLevels; ++i) input_projections.emplace_back(c.feature_size, c.hidden_dim, 1);
}

WeightMap Mask2FormerModel::weight_map() const {
  const std::string stored = "*pixel_level_module.encoder.", ours = stored + "swin.";
  WeightMap map{.base_model_prefix = "model",
                .ignored = {"*relative_position_index", "*pixel_level_module.encoder.swin.layernorm.*",
                            "*pixel_level_module.encoder.layernorm.*", "criterion.*"}};
  for (const WeightRule& rule : swin::layer_rules())
    map.rules.push_back({stored + "encoder." + rule.checkpoint, ours + "encoder." + rule.parameter});
  map.rules.push_back({"*mask_embedder.*.0.*", "*mask_embedder.layers.*.*"});
  map.rules.push_back({"*self_attn.out_proj.*", "*self_attn.o_proj.*"});
  map.rules.push_back({stored + "encoder.*", ours + "encoder.*"});
  map.rules.push_back({stored + "embeddings.*", ours + "embeddings.*"});
  return map;
}

Mask2FormerModelOutput Mask2FormerModel::forward(const SegmentationInputs& in) const {
  Mask2FormerModelOutput out;
  ImageInputs images;
  images.pixel_values = in.pixel_values;
  images.attention = in.attention;
  const Tensors features = pixel_level_module.encoder.forward(images).feature_maps;
  Tensors maps = pixel_level_module.decoder(features);
  const Tensor pixels_BCHW = maps.back();
  maps.pop_back();

  const TransformerModule& t = transformer_module;
  Tensors keys, values;
  for (int64_t i = 0; i < kLevels; ++i) {
    const Tensor& x = maps[i];
    const Tensor whole = Tensor::ones({1, x.size(2), x.size(3)}, DType::boolean);
    const Tensor projected = t.input_projections.empty() ? x : t.input_projections[i](x);
    values.push_back(nn::to_tokens(projected) + select(t.level_embed.weight, 0, i));
    keys.push_back(values.back() + nn::sine_positions(whole, config().hidden_dim / 2, x.dtype()));
  }
  const Tensor queries_1QD = unsqueeze(t.queries_embedder.weight, 0);
  Tensor x_BQD = expand(unsqueeze(t.queries_features.weight, 0), {maps[0].size(0), -1, -1});
  const auto predict = [&] {
    const Tensor normal = t.decoder.layernorm(x_BQD);
    const Tensor masks = matmul(t.decoder.mask_predictor.mask_embedder(normal), flatten(pixels_BCHW, 2, 3));
    out.transformer_decoder_intermediate_states.push_back(queries_first(normal));
    out.masks_queries_logits.push_back(
        reshape(masks, {masks.size(0), masks.size(1), pixels_BCHW.size(2), pixels_BCHW.size(3)}));
    if (in.output_hidden_states) out.transformer_decoder_hidden_states.push_back(queries_first(x_BQD));
  };
  nn::DecoderContext context;
  context.self.implementation = context.cross.implementation = in.attention;
  context.self.weights = in.output_attentions ? &out.attentions : nullptr;
  predict();
  for (size_t i = 0; i < t.decoder.layers.size(); ++i) {
    const size_t level = i % kLevels;
    context.cross.mask.bias = inside_bias(out.masks_queries_logits.back(), {maps[level].size(2), maps[level].size(3)});
    x_BQD = t.decoder.layers[i](x_BQD, queries_1QD, keys[level], values[level], context);
    predict();
  }
  out.encoder_last_hidden_state = features.back();
  out.pixel_decoder_last_hidden_state = pixels_BCHW;
  out.transformer_decoder_last_hidden_state = x_BQD;
  if (in.output_hidden_states) {
    out.encoder_hidden_states = features;
    out.pixel_decoder_hidden_states = std::move(maps);
  } else {
    out.transformer_decoder_intermediate_states.erase(out.transformer_decoder_intermediate_states.begin(),
                                                      out.transformer_decoder_intermediate_states.end() - 1);
  }
  return out;
}

std::vector<nn::SegmentPredictions> Mask2FormerForUniversalSegmentation::predictions(
    const Mask2FormerModelOutput& below) const {
  const Tensors& states = below.transformer_decoder_intermediate_states;
  const auto of_layer = [&](size_t masks, size_t state) {
    return nn::SegmentPredictions{below.masks_queries_logits[masks], class_predictor(queries_first(states[state]))};
  };
  std::vector<nn::SegmentPredictions> all{of_layer(below.masks_queries_logits.size() - 1, states.size() - 1)};
  for (size_t layer = 0; layer + 1 < states.size(); ++layer) all.push_back(of_layer(layer, layer));
  return all;
}

Mask2FormerOutput Mask2FormerForUniversalSegmentation::forward(const SegmentationInputs& in) const {
  SegmentationInputs with_layers = in;
  with_layers.output_hidden_states = in.output_hidden_states || config().use_auxiliary_loss;
  Mask2FormerModelOutput below = model.forward(with_layers);
  std::vector<nn::SegmentPredictions> layers = predictions(below);
  Mask2FormerOutput out;
  if (!in.mask_labels.empty() || !in.class_labels.empty())
    out.loss = nn::universal_segmentation_loss(layers, in.mask_labels, in.class_labels, config().weights);
  out.class_queries_logits = layers.front().class_queries_logits;
  out.masks_queries_logits = layers.front().masks_queries_logits;
  if (config().output_auxiliary_logits.value_or(false)) out.auxiliary_logits.assign(layers.begin() + 1, layers.end());
  static_cast<Mask2FormerStates&>(out) = std::move(below);
  if (in.output_hidden_states) return out;
  for (Tensors* states :
       {&out.encoder_hidden_states, &out.pixel_decoder_hidden_states, &out.transformer_decoder_hidden_states})
    states->clear();
  return out;
}

QueriedMasks Mask2FormerForUniversalSegmentation::queried_masks(const SegmentationInputs& in) const {
  const Mask2FormerOutput out = forward(in);
  return {out.class_queries_logits, out.masks_queries_logits, kJudgedSide};
}

}  // namespace imago::mask2former

REGISTER_MODELS(mask2former, Mask2FormerModel, Mask2FormerForUniversalSegmentation)
