// B batch, N positions of the feature map, Q queries, D hidden, H height, W width.
#include "imago/models/detr/detr.h"

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/nn/registry.h"
#include "imago/nn/sub_config.h"
#include "imago/nn/vision/sine_positions.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::detr {
namespace {

constexpr double kEpsilon = 1e-5;      // torch's, as no key says it
constexpr int64_t kLearnedSides = 50;  // rows and columns that learned positions are for

[[noreturn]] void refuse(const char* what, const char* hint) {
  throw Error(ErrorKind::kUnsupported, "config.json", what, hint);
}

}  // namespace

resnet::ResNetConfig DetrConfig::resnet() const {
  resnet::ResNetConfig config;
  config.stages.out_features = std::vector<std::string>{"stage4"};
  nn::read_sub_config(backbone_config, "backbone_config", config);
  return config;
}

void DetrConfig::validate() const {
  require_heads("d_model", d_model, "encoder_attention_heads", encoder_attention_heads);
  require_heads("d_model", d_model, "decoder_attention_heads", decoder_attention_heads);
  if (d_model % 4 != 0) throw Error(ErrorKind::kInvalidFile, "config.json", "d_model does not split into four");
  if (encoder_layers < 0 || decoder_layers < 0)
    throw Error(ErrorKind::kInvalidFile, "config.json", "there are fewer than no layers");
  if (backbone_config.text.empty() || use_timm_backbone.value_or(false))
    refuse("the backbone is one of timm's", "take the checkpoint's revision \"no_timm\"");
  if (resnet().model_type != "resnet") refuse("the backbone is no resnet", "take a checkpoint whose backbone is one");
  if (dilation.value_or(false)) refuse("dilation of the backbone", "take a checkpoint without it");
  if (position_embedding_type != "sine" && position_embedding_type != "learned")
    refuse("position_embedding_type is neither sine nor learned", "use one of them");
}

DetrModel::DetrModel(const DetrConfig& c)
    : Backbone(c),
      backbone{{}, resnet::Trunk(c.resnet())},
      query_position_embeddings(c.num_queries, c.d_model),
      input_projection(c.resnet().output_size(), c.d_model, 1) {
  backbone.model.freeze_norms();
  if (c.position_embedding_type == "learned") {
    LearnedPositions& learned = position_embedding.emplace();
    learned.row_embeddings = nn::Embedding(kLearnedSides, c.d_model / 2);
    learned.column_embeddings = nn::Embedding(kLearnedSides, c.d_model / 2);
  }
  for (int64_t i = 0; i < c.encoder_layers; ++i)
    encoder.layers.emplace_back(c.layers(c.encoder_attention_heads, c.encoder_ffn_dim));
  for (int64_t i = 0; i < c.decoder_layers; ++i)
    decoder.layers.emplace_back(c.layers(c.decoder_attention_heads, c.decoder_ffn_dim));
  decoder.layernorm = nn::LayerNorm(c.d_model, kEpsilon);
}

WeightMap DetrModel::weight_map() const {
  return {.base_model_prefix = "model",
          .rules = {{"*backbone.conv_encoder.model.*", "*backbone.model.*"},
                    {"*layers.*.self_attn.out_proj.*", "*layers.*.self_attn.o_proj.*"},
                    {"*layers.*.encoder_attn.out_proj.*", "*layers.*.encoder_attn.o_proj.*"},
                    {"*layers.*.fc1.*", "*layers.*.mlp.fc1.*"},
                    {"*layers.*.fc2.*", "*layers.*.mlp.fc2.*"}},
          .ignored = {"*num_batches_tracked"}};
}

Tensor DetrModel::positions(const Tensor& visible_BHW, DType dtype) const {
  const int64_t batch = visible_BHW.size(0), height = visible_BHW.size(1), width = visible_BHW.size(2);
  if (!position_embedding) return nn::sine_positions(visible_BHW, config().d_model / 2, dtype);
  const int64_t half = config().d_model / 2;
  const auto first = [](const nn::Embedding& table, int64_t count) {
    return table(Tensor::arange(0, static_cast<double>(count)));
  };
  const Tensor columns =
      expand(unsqueeze(first(position_embedding->column_embeddings, width), 0), {height, width, half});
  const Tensor rows = expand(unsqueeze(first(position_embedding->row_embeddings, height), 1), {height, width, half});
  return expand(unsqueeze(flatten(concat({columns, rows}, -1), 0, 1), 0), {batch, height * width, 2 * half});
}

Maps DetrModel::see(const DetectionInputs& in) const {
  const ImageInputs images = in.images();
  nn::check_pixels(images, config().num_channels);
  const resnet::ResNetConfig c = config().resnet();
  Maps maps;
  maps.backbone =
      nn::feature_maps(backbone.model, images, c.stages.chosen(c.stage_count()), [](int64_t, const Tensor& x) {
        return x;
      }).feature_maps;
  maps.projected = input_projection(maps.backbone.back());
  const Shape grid = {maps.projected.size(2), maps.projected.size(3)};
  maps.visible = Tensor::ones({maps.projected.size(0), grid[0], grid[1]}, DType::boolean);
  if (in.pixel_mask)
    maps.visible = ne(squeeze(interpolate(unsqueeze(cast(in.pixel_mask, DType::f32), 1), {.size = grid}), 1), 0);
  return maps;
}

DetrModelOutput DetrModel::find(const DetectionInputs& in, const Maps& maps) const {
  const Tensor positions_BND = positions(maps.visible, maps.projected.dtype());
  DetrModelOutput out;
  const auto keep = [&](Tensors& states, const Tensor& x) {
    if (in.output_hidden_states) states.push_back(x);
  };
  const auto context = [&](Tensors& weights, bool of_picture) {
    nn::AttentionContext made;
    made.implementation = in.attention;
    made.weights = in.output_attentions ? &weights : nullptr;
    if (of_picture && !all(maps.visible).item<bool>()) made.mask.key_padding = flatten(maps.visible, 1, 2);
    return made;
  };
  const nn::AttentionDropout attention_dropout(config().attention_dropout);
  const nn::AttentionContext encoding = context(out.encoder_attentions, true);
  // Masks of dropout are drawn channel by channel.
  Tensor x_BND = nn::to_tokens(nn::dropout(maps.projected, config().dropout));
  keep(out.encoder_hidden_states, x_BND);
  for (const nn::PlacedEncoderLayer& layer : encoder.layers)
    keep(out.encoder_hidden_states, x_BND = layer(x_BND, positions_BND, encoding));
  out.encoder_last_hidden_state = x_BND;

  const nn::DecoderContext decoding{context(out.decoder_attentions, false), context(out.cross_attentions, true)};
  const Tensor queries_1QD = unsqueeze(query_position_embeddings.weight, 0), keys_BND = x_BND + positions_BND;
  Tensor y_BQD = Tensor::zeros({x_BND.size(0), config().num_queries, config().d_model}, x_BND.dtype());
  Tensors intermediate;
  Tensor state_BQD = y_BQD;
  for (const nn::PlacedDecoderLayer& layer : decoder.layers) {
    keep(out.decoder_hidden_states, state_BQD);
    state_BQD = y_BQD = layer(y_BQD, queries_1QD, keys_BND, x_BND, decoding);
    // The next layer reads it normalised, too.
    if (config().auxiliary_loss) intermediate.push_back(y_BQD = decoder.layernorm(y_BQD));
  }
  out.last_hidden_state = decoder.layernorm(y_BQD);
  keep(out.decoder_hidden_states, out.last_hidden_state);
  if (!intermediate.empty()) out.intermediate_hidden_states = stack(intermediate, 0);
  return out;
}

DetrForObjectDetection::DetrForObjectDetection(const DetrConfig& c)
    : model(c), class_labels_classifier(c.d_model, c.num_labels() + 1), bbox_predictor(c.d_model, c.d_model, 4, 3) {}

DetectionOutput DetrForObjectDetection::predict(DetrModelOutput below) const {
  const auto predictions = [&](const Tensor& x_BQD) {
    return DetectionPredictions{class_labels_classifier(x_BQD), sigmoid(bbox_predictor(x_BQD))};
  };
  DetectionOutput out;
  const DetectionPredictions last = predictions(below.last_hidden_state);
  out.logits = last.logits;
  out.pred_boxes = last.pred_boxes;
  for (int64_t layer = 0; below.intermediate_hidden_states && layer + 1 < config().decoder_layers; ++layer)
    out.auxiliary_outputs.push_back(predictions(select(below.intermediate_hidden_states, 0, layer)));
  static_cast<QueriedStates&>(out) = std::move(below);
  return out;
}

DetectionOutput DetrForObjectDetection::forward(const DetectionInputs& in) const {
  DetectionOutput out = predict(model.forward(in));
  nn::add_detection_loss(out, in.labels, config().weights);
  return out;
}

namespace {

// Of the backbone's maps that masks are refined with, the finest last.
std::vector<int64_t> finer_channels(const DetrConfig& c) {
  const resnet::ResNetConfig resnet = c.resnet();
  const std::vector<int64_t> stages = resnet.stages.chosen(resnet.stage_count());
  if (stages.size() != 4 || stages[0] < 1)
    refuse("masks need four maps of the backbone", "name four stages in out_features of backbone_config");
  return {resnet.hidden_sizes[stages[2] - 1], resnet.hidden_sizes[stages[1] - 1], resnet.hidden_sizes[stages[0] - 1]};
}

}  // namespace

DetrForSegmentation::DetrForSegmentation(const DetrConfig& c)
    : detr(c),
      mask_head(c.d_model, c.encoder_attention_heads, finer_channels(c), nn::activation(c.activation_function)),
      bbox_attention(c.d_model, c.encoder_attention_heads) {}

DetectionOutput DetrForSegmentation::forward(const DetectionInputs& in) const {
  const Maps maps = detr.model.see(in);
  DetectionOutput out = detr.predict(detr.model.find(in, maps));
  const Tensor seen_BDHW =
      nn::to_picture(out.encoder_last_hidden_state, maps.projected.size(2), maps.projected.size(3));
  out.pred_masks = mask_head(maps.projected, bbox_attention(out.last_hidden_state, seen_BDHW, maps.visible),
                             {maps.backbone[2], maps.backbone[1], maps.backbone[0]});
  nn::add_detection_loss(out, in.labels, config().weights);
  return out;
}

QueriedMasks DetrForSegmentation::queried_masks(const SegmentationInputs& in) const {
  DetectionInputs pictures;
  pictures.pixel_values = in.pixel_values;
  pictures.pixel_mask = in.pixel_mask;
  pictures.attention = in.attention;
  const DetectionOutput out = forward(pictures);
  return {out.logits, out.pred_masks};
}

WeightMap DetrForSegmentation::weight_map() const {
  WeightMap map = nn::with_head(detr.weight_map(), "detr", "");
  for (WeightRule& rule : nn::older_mask_head_names("mask_head", "bbox_attention"))
    map.rules.push_back(std::move(rule));
  return map;
}

}  // namespace imago::detr

REGISTER_MODELS(detr, DetrModel, DetrForObjectDetection, DetrForSegmentation)
