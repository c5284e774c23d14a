// B batch, N positions of the feature map, Q queries, D hidden, H height, W width.
#include "imago/models/detr/detr.h"

#include "imago/base/error.h"
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

void DetrConfig::each_field(FieldVisitor& visitor) {
  Config::each_field(visitor);
  imago::internal::visit_fields(
      visitor,
      "backbone_config, use_timm_backbone, use_pretrained_backbone, dilation, backbone, backbone_kwargs, num_channels, "
      "num_queries, d_model, encoder_layers, encoder_ffn_dim, encoder_attention_heads, decoder_layers, "
      "decoder_ffn_dim, decoder_attention_heads, activation_function, position_embedding_type, auxiliary_loss, "
      "scale_embedding, num_hidden_layers, max_position_embeddings, mask_loss_coefficient, dice_loss_coefficient, "
      "init_xavier_std",
      backbone_config, use_timm_backbone, use_pretrained_backbone, dilation, backbone, backbone_kwargs, num_channels,
      num_queries, d_model, encoder_layers, encoder_ffn_dim, encoder_attention_heads, decoder_layers, decoder_ffn_dim,
      decoder_attention_heads, activation_function, position_embedding_type, auxiliary_loss, scale_embedding,
      num_hidden_layers, max_position_embeddings, mask_loss_coefficient, dice_loss_coefficient, init_xavier_std);
  weights.each_field(visitor);
}

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
  if (auxiliary_loss) refuse("auxiliary_loss", "set it to false; it is of no effect on boxes");
  if (position_embedding_type != "sine" && position_embedding_type != "learned")
    refuse("position_embedding_type is neither sine nor learned", "use one of them");
}

Attention::Attention(int64_t hidden_size, int64_t head_count) : heads(head_count) {
  for (nn::Linear* linear : {&q_proj, &k_proj, &v_proj, &o_proj}) *linear = nn::Linear(hidden_size, hidden_size);
}

Tensor Attention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                             const nn::AttentionContext& context) const {
  const KeysValues all{nn::split_heads(k_proj(key), heads), nn::split_heads(v_proj(value), heads)};
  return o_proj(nn::merge_heads(nn::attend(nn::split_heads(q_proj(query), heads), all, context)));
}

MLP::MLP(const DetrConfig& c, int64_t inner)
    : fc1(c.d_model, inner), fc2(inner, c.d_model), activation(nn::activation(c.activation_function)) {}

EncoderLayer::EncoderLayer(const DetrConfig& c)
    : self_attn(c.d_model, c.encoder_attention_heads),
      self_attn_layer_norm(c.d_model, kEpsilon),
      final_layer_norm(c.d_model, kEpsilon),
      mlp(c, c.encoder_ffn_dim) {}

Tensor EncoderLayer::operator()(const Tensor& x_BND, const Tensor& positions_BND,
                                const nn::AttentionContext& context) const {
  const Tensor placed_BND = x_BND + positions_BND;
  const Tensor h_BND = self_attn_layer_norm(x_BND + self_attn(placed_BND, placed_BND, x_BND, context));
  return final_layer_norm(h_BND + mlp(h_BND));
}

DecoderLayer::DecoderLayer(const DetrConfig& c)
    : self_attn(c.d_model, c.decoder_attention_heads),
      encoder_attn(c.d_model, c.decoder_attention_heads),
      self_attn_layer_norm(c.d_model, kEpsilon),
      encoder_attn_layer_norm(c.d_model, kEpsilon),
      final_layer_norm(c.d_model, kEpsilon),
      mlp(c, c.decoder_ffn_dim) {}

Tensor DecoderLayer::operator()(const Tensor& x_BQD, const Tensor& queries_1QD, const Tensor& keys_BND,
                                const Tensor& values_BND, const nn::DecoderContext& context) const {
  const Tensor placed_BQD = x_BQD + queries_1QD;
  Tensor h_BQD = self_attn_layer_norm(x_BQD + self_attn(placed_BQD, placed_BQD, x_BQD, context.self));
  h_BQD = encoder_attn_layer_norm(h_BQD + encoder_attn(h_BQD + queries_1QD, keys_BND, values_BND, context.cross));
  return final_layer_norm(h_BQD + mlp(h_BQD));
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
  for (int64_t i = 0; i < c.encoder_layers; ++i) encoder.layers.emplace_back(c);
  for (int64_t i = 0; i < c.decoder_layers; ++i) decoder.layers.emplace_back(c);
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

nn::AttentionContext DetrModel::context(const DetectionInputs& in, Tensors& weights) const {
  nn::AttentionContext context;
  context.implementation = in.attention;
  context.weights = in.output_attentions ? &weights : nullptr;
  return context;
}

Seq2SeqOutput DetrModel::forward(const DetectionInputs& in) const {
  const ImageInputs images = in.images();
  nn::check_pixels(images, config().num_channels);
  BackboneOutput maps =
      nn::feature_maps(backbone.model, images, config().resnet().stages.chosen(config().resnet().stage_count()),
                       [](int64_t, const Tensor& x) { return x; });
  const Tensor features = input_projection(maps.feature_maps.back());
  const Shape grid = {features.size(2), features.size(3)};
  Tensor visible_BHW = Tensor::ones({features.size(0), grid[0], grid[1]}, DType::boolean);
  if (in.pixel_mask)
    visible_BHW = ne(squeeze(interpolate(unsqueeze(cast(in.pixel_mask, DType::f32), 1), {.size = grid}), 1), 0);
  const Tensor positions_BND = positions(visible_BHW, features.dtype());

  Seq2SeqOutput out;
  const auto keep = [&](Tensors& states, const Tensor& x) {
    if (in.output_hidden_states) states.push_back(x);
  };
  nn::AttentionContext encoding = context(in, out.encoder_attentions);
  if (!all(visible_BHW).item<bool>()) encoding.mask.key_padding = flatten(visible_BHW, 1, 2);
  Tensor x_BND = nn::to_tokens(features);
  keep(out.encoder_hidden_states, x_BND);
  for (const EncoderLayer& layer : encoder.layers)
    keep(out.encoder_hidden_states, x_BND = layer(x_BND, positions_BND, encoding));
  out.encoder_last_hidden_state = x_BND;

  nn::DecoderContext decoding{context(in, out.decoder_attentions), context(in, out.cross_attentions)};
  decoding.cross.mask = encoding.mask;
  const Tensor queries_1QD = unsqueeze(query_position_embeddings.weight, 0), keys_BND = x_BND + positions_BND;
  Tensor y_BQD = Tensor::zeros({x_BND.size(0), config().num_queries, config().d_model}, x_BND.dtype());
  for (const DecoderLayer& layer : decoder.layers) {
    keep(out.decoder_hidden_states, y_BQD);
    y_BQD = layer(y_BQD, queries_1QD, keys_BND, x_BND, decoding);
  }
  out.last_hidden_state = decoder.layernorm(y_BQD);
  keep(out.decoder_hidden_states, out.last_hidden_state);
  return out;
}

DetrForObjectDetection::DetrForObjectDetection(const DetrConfig& c)
    : model(c), class_labels_classifier(c.d_model, c.num_labels() + 1), bbox_predictor(c.d_model, c.d_model, 4, 3) {}

DetectionOutput DetrForObjectDetection::forward(const DetectionInputs& in) const {
  Seq2SeqOutput below = model.forward(in);
  DetectionOutput out;
  out.logits = class_labels_classifier(below.last_hidden_state);
  out.pred_boxes = sigmoid(bbox_predictor(below.last_hidden_state));
  nn::add_detection_loss(out, in.labels, config().weights);
  out.last_hidden_state = std::move(below.last_hidden_state);
  out.decoder_hidden_states = std::move(below.decoder_hidden_states);
  out.decoder_attentions = std::move(below.decoder_attentions);
  out.cross_attentions = std::move(below.cross_attentions);
  out.encoder_last_hidden_state = std::move(below.encoder_last_hidden_state);
  out.encoder_hidden_states = std::move(below.encoder_hidden_states);
  out.encoder_attentions = std::move(below.encoder_attentions);
  return out;
}

}  // namespace imago::detr

namespace imago {

void register_detr(Registry& registry) {
  using namespace detr;
  registry.add<DetrModel>("DetrModel");
  registry.add<DetrForObjectDetection>("DetrForObjectDetection");
}

}  // namespace imago
