// B batch, N patches, T tokens (the class token, the patches, the detection tokens), D hidden.
#include "imago/models/yolos/yolos.h"

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::yolos {

void YolosConfig::each_field(FieldVisitor& visitor) {
  Config::each_field(visitor);
  imago::internal::visit_fields(
      visitor,
      "hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, hidden_act, layer_norm_eps, image_size, "
      "patch_size, num_channels, qkv_bias, num_detection_tokens, use_mid_position_embeddings, auxiliary_loss",
      hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, hidden_act, layer_norm_eps, image_size,
      patch_size, num_channels, qkv_bias, num_detection_tokens, use_mid_position_embeddings, auxiliary_loss);
  weights.each_field(visitor);
}

void YolosConfig::validate() const {
  ViTConfig::validate();
  if (num_hidden_layers < 1) throw Error(ErrorKind::kInvalidFile, "config.json", "num_hidden_layers is below 1");
  if (auxiliary_loss)
    throw Error(ErrorKind::kUnsupported, "config.json", "auxiliary_loss",
                "set it to false; it is of no effect on boxes");
}

Embeddings::Embeddings(const YolosConfig& c)
    : cls_token(parameter({1, 1, c.hidden_size})),
      detection_tokens(parameter({1, c.num_detection_tokens, c.hidden_size})),
      patch_embeddings(c) {
  const nn::Extent grid =
      nn::patch_grid(nn::extent(c.image_size, "image_size"), nn::extent(c.patch_size, "patch_size"));
  position_embeddings = parameter({1, 1 + grid.height * grid.width + c.num_detection_tokens, c.hidden_size});
}

void Layer::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor,
                                "attention.attention.query, attention.attention.key, attention.attention.value, "
                                "attention.output.dense, intermediate.dense, output.dense, layernorm_before, "
                                "layernorm_after",
                                attention.query, attention.key, attention.value, attention.output, mlp.fc1, mlp.fc2,
                                layernorm_before, layernorm_after);
}

Encoder::Encoder(const YolosConfig& c) {
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) layer.emplace_back(c);
  if (!c.use_mid_position_embeddings) return;
  const nn::Extent image = nn::extent(c.image_size, "image_size"), patch = nn::extent(c.patch_size, "patch_size");
  const int64_t tokens = 1 + image.height * image.width / (patch.height * patch.width) + c.num_detection_tokens;
  interpolation.emplace().mid_position_embeddings = parameter({c.num_hidden_layers - 1, 1, tokens, c.hidden_size});
}

YolosModel::YolosModel(const YolosConfig& c, bool with_pooler)
    : Backbone(c), embeddings(c), encoder(c), layernorm(c.hidden_size, c.layer_norm_eps) {
  if (with_pooler) pooler.emplace(c);
}

WeightMap YolosModel::weight_map() const {
  return {.base_model_prefix = "vit",
          .rules = {{"*encoder.mid_position_embeddings", "*encoder.interpolation.mid_position_embeddings"}},
          .ignored = {"*pooler.dense.*"},
          .optional = {"pooler.dense.*"}};
}

// For a picture of this size; those of the class and detection tokens stay.
Tensor YolosModel::positions(const Tensor& learned_1TD, nn::Extent pixels) const {
  const nn::Extent patch = nn::extent(config().patch_size, "patch_size");
  const nn::Extent grid = nn::patch_grid(nn::extent(config().image_size, "image_size"), patch);
  const nn::Extent wanted = nn::patch_grid(pixels, patch);
  const int64_t patches = grid.height * grid.width, found = config().num_detection_tokens;
  const Tensor picture = nn::to_picture(narrow(learned_1TD, 1, 1, patches), grid.height, grid.width);
  const Tensor resized = interpolate(picture, {.size = {wanted.height, wanted.width}, .mode = "bicubic"});
  return concat({narrow(learned_1TD, 1, 0, 1), nn::to_tokens(resized), narrow(learned_1TD, 1, 1 + patches, found)}, 1);
}

BaseModelOutput YolosModel::forward(const ImageInputs& in) const {
  nn::Recorder record(in);
  const nn::AttentionContext context = nn::image_attention(in, record);
  const Tensor x_BND = embeddings.patch_embeddings(in);
  const nn::Extent pixels{in.pixel_values.size(2), in.pixel_values.size(3)};
  const Tensor found = expand(embeddings.detection_tokens, {x_BND.size(0), -1, -1});
  Tensor x_BTD =
      concat({nn::prepend(embeddings.cls_token, x_BND), found}, 1) + positions(embeddings.position_embeddings, pixels);
  record(x_BTD);
  for (size_t i = 0; i + 1 < encoder.layer.size(); ++i) {
    x_BTD = record(encoder.layer[i](x_BTD, context));  // before positions are added again
    if (!encoder.interpolation) continue;
    const Tensor learned = select(encoder.interpolation->mid_position_embeddings, 0, static_cast<int64_t>(i));
    x_BTD = x_BTD + positions(learned, pixels);
  }
  x_BTD = encoder.layer.back()(x_BTD, context);
  BaseModelOutput out = record.finish(x_BTD);
  out.last_hidden_state = layernorm(x_BTD);
  if (pooler && pooler->dense.weight) out.pooler_output = (*pooler)(out.last_hidden_state);
  return out;
}

YolosForObjectDetection::YolosForObjectDetection(const YolosConfig& c)
    : vit(c, false),
      class_labels_classifier(c.hidden_size, c.hidden_size, c.num_labels() + 1, 3),
      bbox_predictor(c.hidden_size, c.hidden_size, 4, 3) {}

DetectionOutput YolosForObjectDetection::forward(const DetectionInputs& in) const {
  BaseModelOutput below = vit.forward(in.images());
  const int64_t found = config().num_detection_tokens, tokens = below.last_hidden_state.size(1);
  const Tensor x_BQD = narrow(below.last_hidden_state, 1, tokens - found, found);
  DetectionOutput out;
  out.logits = class_labels_classifier(x_BQD);
  out.pred_boxes = sigmoid(bbox_predictor(x_BQD));
  nn::add_detection_loss(out, in.labels, config().weights);
  out.last_hidden_state = std::move(below.last_hidden_state);
  out.hidden_states = std::move(below.hidden_states);
  out.attentions = std::move(below.attentions);
  return out;
}

}  // namespace imago::yolos

namespace imago {

void register_yolos(Registry& registry) {
  using namespace yolos;
  registry.add<YolosModel>("YolosModel");
  registry.add<YolosForObjectDetection>("YolosForObjectDetection");
}

}  // namespace imago
