// YOLOS (Fang et al. 2021, "You Only Look at One Sequence: Rethinking Transformer in Vision through Object Detection").
// B batch, N patches, T tokens (the class token, the patches, the detection tokens), Q detection tokens, D hidden.
#include "imago/base/error.h"
#include "imago/nn/backbone.h"
#include "imago/nn/heads/pooling.h"
#include "imago/nn/heads/with_head.h"
#include "imago/nn/named_fields.h"
#include "imago/nn/registry.h"
#include "imago/nn/vision/detection_loss.h"
#include "imago/nn/vision/patch_transformer.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

namespace imago::yolos {

struct YolosConfig : nn::PatchTransformerConfig {
  static constexpr const char* kModelType = "yolos";
  int64_t num_detection_tokens = 100;
  bool use_mid_position_embeddings = true, auxiliary_loss = false;
  nn::DetectionWeights weights;
  void each_field(FieldVisitor& visitor) override {
    PatchTransformerConfig::each_field(visitor);
    weights.each_field(visitor);
    imago::internal::visit_fields(
        visitor, "intermediate_size, num_detection_tokens, use_mid_position_embeddings, auxiliary_loss",
        intermediate_size, num_detection_tokens, use_mid_position_embeddings, auxiliary_loss);
  }

  YolosConfig() { image_size = {512, 864}; }
  void validate() const override {
    PatchTransformerConfig::validate();
    if (num_hidden_layers < 1) throw Error(ErrorKind::kInvalidFile, "config.json", "num_hidden_layers is below 1");
    if (auxiliary_loss)
      throw Error(ErrorKind::kUnsupported, "config.json", "auxiliary_loss",
                  "set it to false; it is of no effect on boxes");
  }
};

struct Embeddings : Module {
  Tensor cls_token, detection_tokens, position_embeddings;
  nn::PatchEmbeddings patch_embeddings;
  FIELDS(cls_token, detection_tokens, position_embeddings, patch_embeddings)

  explicit Embeddings(const YolosConfig& c)
      : cls_token(parameter({1, 1, c.hidden_size})),
        detection_tokens(parameter({1, c.num_detection_tokens, c.hidden_size})),
        position_embeddings(
            parameter({1, 1 + c.grid().height * c.grid().width + c.num_detection_tokens, c.hidden_size})),
        patch_embeddings(c) {}
  Tensor operator()(const ImageInputs& in) const {
    const Tensor x_BND = patch_embeddings(in);
    return concat({nn::prepend(cls_token, x_BND), expand(detection_tokens, {x_BND.size(0), -1, -1})}, 1);
  }
};

// ViT's, under the names of BERT's.
using Layer = nn::PreNormLayer<"attention.attention.query", "attention.attention.key", "attention.attention.value",
                               "attention.output.dense", "layernorm_before", "layernorm_after", "intermediate.dense",
                               "output.dense">;

struct Encoder : Module {
  std::vector<Layer> layer;
  Tensor mid_position_embeddings;  // [layers - 1, 1, T, D], added behind each layer but the last
  FIELDS_NAMED("layer, interpolation.mid_position_embeddings", layer, mid_position_embeddings)

  explicit Encoder(const YolosConfig& c) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layer.emplace_back(c.layer_options());
    const auto [height, width] = c.image();
    const int64_t patches = height * width / (c.patch().height * c.patch().width);
    if (c.use_mid_position_embeddings)
      mid_position_embeddings =
          parameter({c.num_hidden_layers - 1, 1, 1 + patches + c.num_detection_tokens, c.hidden_size});
  }
};

struct YolosModel : nn::Backbone<YolosConfig, ImageModel> {
  static constexpr nn::FieldName kBaseModelPrefix = "vit";
  Embeddings embeddings;
  Encoder encoder;
  nn::LayerNorm layernorm;
  nn::Pooler pooler;
  FIELDS(embeddings, encoder, layernorm, pooler)

  explicit YolosModel(const YolosConfig& c, bool with_pooler = true)
      : Backbone(c), embeddings(c), encoder(c), layernorm(c.hidden_size, c.layer_norm_eps) {
    if (with_pooler) pooler.dense = nn::Linear(c.hidden_size, c.hidden_size);
  }
  WeightMap weight_map() const override {
    return {.base_model_prefix = "vit",
            .rules = {{"*encoder.mid_position_embeddings", "*encoder.interpolation.mid_position_embeddings"}},
            .ignored = {"*pooler.dense.*"},
            .optional = {"pooler.dense.*"}};
  }
  BaseModelOutput forward(const ImageInputs& in) const override {
    nn::Recorder record(in);
    const nn::AttentionContext context = nn::image_attention(in, record);
    const nn::AttentionDropout attention_dropout(config().attention_probs_dropout_prob);
    const Tensor tokens_BTD = embeddings(in);
    const nn::Extent grid = nn::patch_grid({in.pixel_values.size(2), in.pixel_values.size(3)}, config().patch());
    const auto positions = [&](const Tensor& learned_1TD) {  // of a picture of this size
      return nn::interpolate_positions(learned_1TD, 1, config().grid(), grid);
    };
    Tensor x_BTD = nn::dropout(tokens_BTD + positions(embeddings.position_embeddings), config().hidden_dropout_prob);
    record(x_BTD);
    for (size_t i = 0; i + 1 < encoder.layer.size(); ++i) {
      x_BTD = record(encoder.layer[i](x_BTD, context));  // before positions are added again
      if (const Tensor& learned = encoder.mid_position_embeddings)
        x_BTD = x_BTD + positions(select(learned, 0, static_cast<int64_t>(i)));
    }
    x_BTD = encoder.layer.back()(x_BTD, context);
    BaseModelOutput out = record.finish(x_BTD);
    out.last_hidden_state = layernorm(x_BTD);
    if (pooler.dense.weight) out.pooler_output = pooler(out.last_hidden_state);
    return out;
  }
};

struct YolosForObjectDetection : ObjectDetection {
  using ConfigType = YolosConfig;
  YolosModel vit;
  nn::PredictionHead class_labels_classifier, bbox_predictor;
  FIELDS(vit, class_labels_classifier, bbox_predictor)

  explicit YolosForObjectDetection(const YolosConfig& c)
      : vit(c, false),
        class_labels_classifier(c.hidden_size, c.hidden_size, c.num_labels() + 1, 3),
        bbox_predictor(c.hidden_size, c.hidden_size, 4, 3) {}
  const YolosConfig& config() const override { return vit.config(); }
  WeightMap weight_map() const override { return nn::with_head(vit.weight_map(), "vit", ""); }
  DetectionOutput forward(const DetectionInputs& in) const override {
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
};

}  // namespace imago::yolos

REGISTER_MODELS(yolos, YolosModel, YolosForObjectDetection)
