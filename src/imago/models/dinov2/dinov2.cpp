// DINOv2 (Oquab et al. 2023, "DINOv2: Learning Robust Visual Features without Supervision").
// B batch, N patches, T tokens (the class token and the patches), D hidden.
#include "imago/nn/backbone.h"
#include "imago/nn/drop_path.h"
#include "imago/nn/named_fields.h"
#include "imago/nn/registry.h"
#include "imago/nn/vision/feature_maps.h"
#include "imago/nn/vision/heads.h"
#include "imago/nn/vision/patch_transformer.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/silu/silu.h"
#include "imago/ops/slice/slice.h"

namespace imago::dinov2 {

struct Dinov2Config : nn::PatchTransformerConfig {
  static constexpr const char* kModelType = "dinov2";
  double mlp_ratio = 4, layerscale_value = 1, drop_path_rate = 0;
  bool use_swiglu_ffn = false, use_mask_token = true;
  bool apply_layernorm = true, reshape_hidden_states = true;  // of the feature maps
  nn::StageChoice stages;
  void each_field(FieldVisitor& visitor) override {
    PatchTransformerConfig::each_field(visitor);
    stages.each_field(visitor);
    imago::internal::visit_fields(visitor,
                                  "mlp_ratio, layerscale_value, drop_path_rate, use_swiglu_ffn, use_mask_token, "
                                  "apply_layernorm, reshape_hidden_states",
                                  mlp_ratio, layerscale_value, drop_path_rate, use_swiglu_ffn, use_mask_token,
                                  apply_layernorm, reshape_hidden_states);
  }

  Dinov2Config() { layer_norm_eps = 1e-6, patch_size = {14}; }
  int64_t inner_size() const { return static_cast<int64_t>(static_cast<double>(hidden_size) * mlp_ratio); }
};

// silu(gate) * up, both of one matrix as the file has them.
struct SwiGLU : Module {
  nn::Linear weights_in, weights_out;
  FIELDS(weights_in, weights_out)

  explicit SwiGLU(const Dinov2Config& c) {
    const int64_t inner = (static_cast<int64_t>(static_cast<double>(c.inner_size() * 2) / 3) + 7) / 8 * 8;
    weights_in = nn::Linear(c.hidden_size, 2 * inner);
    weights_out = nn::Linear(inner, c.hidden_size);
  }
  Tensor operator()(const Tensor& x_BTD) const {
    const Tensors halves = split(weights_in(x_BTD), weights_out.weight.size(1), 2);
    return weights_out(silu(halves[0]) * halves[1]);
  }
};

// ViT's, with learned scales of what each half adds.
struct Layer : Module {
  nn::LayerNorm norm1, norm2;
  nn::MultiHeadAttention<"q_proj", "k_proj", "v_proj", "o_proj"> attention;
  Tensor scale1, scale2;  // [D]
  std::optional<nn::MLP> mlp;
  std::optional<SwiGLU> swiglu;  // instead of it, under the same name
  FIELDS_NAMED("norm1, norm2, attention, layer_scale1.lambda1, layer_scale2.lambda1, mlp, mlp", norm1, norm2, attention,
               scale1, scale2, mlp, swiglu)

  explicit Layer(const Dinov2Config& c)
      : norm1(c.hidden_size, c.layer_norm_eps),
        norm2(c.hidden_size, c.layer_norm_eps),
        attention({.hidden_size = c.hidden_size, .heads = c.num_attention_heads, .bias = c.qkv_bias}),
        scale1(parameter({c.hidden_size})),
        scale2(parameter({c.hidden_size})),
        dropped(c.drop_path_rate) {
    attention.output = nn::Linear(c.hidden_size, c.hidden_size);  // with a bias in any case
    if (c.use_swiglu_ffn) {
      swiglu.emplace(c);
    } else {
      mlp.emplace(c.hidden_size, c.inner_size(), c.hidden_act);
    }
  }
  Tensor operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
    const Tensor h_BTD = x_BTD + nn::drop_path(attention(norm1(x_BTD), context) * scale1, dropped);
    const Tensor y_BTD = norm2(h_BTD);
    return h_BTD + nn::drop_path((mlp ? (*mlp)(y_BTD) : (*swiglu)(y_BTD)) * scale2, dropped);
  }

  double dropped;  // of a row at a time
};

// Under the interface of a bare model or of a backbone.
template <class Interface>
struct Dinov2 : nn::Backbone<Dinov2Config, Interface> {
  static constexpr nn::FieldName kBaseModelPrefix = "dinov2";
  nn::PatchTokens embeddings;
  std::vector<Layer> layers;
  nn::LayerNorm layernorm;
  FIELDS_NAMED("embeddings, encoder.layer, layernorm", embeddings, layers, layernorm)

  explicit Dinov2(const Dinov2Config& c)
      : nn::Backbone<Dinov2Config, Interface>(c),
        embeddings(c, c.use_mask_token),
        layernorm(c.hidden_size, c.layer_norm_eps) {
    if (c.use_mask_token) embeddings.mask_token = parameter({1, c.hidden_size});
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers.emplace_back(c);
  }
  WeightMap weight_map() const override {
    return {.base_model_prefix = "dinov2",
            .rules = nn::patch_attention_rules("encoder.layer"),
            .ignored = {"*embeddings.mask_token"}};
  }
  // Of pictures of any size; the last hidden state is not normalised.
  BaseModelOutput trunk(ImageInputs in) const {
    in.interpolate_pos_encoding = true;
    nn::Recorder record(in);
    const nn::AttentionDropout attention_dropout(this->config().attention_probs_dropout_prob);
    return nn::run_layers(embeddings(in), layers, nn::image_attention(in, record), record);
  }
};

struct Dinov2Model : Dinov2<ImageModel> {
  using Dinov2::Dinov2;
  BaseModelOutput forward(const ImageInputs& in) const override {
    BaseModelOutput out = trunk(in);
    out.last_hidden_state = layernorm(out.last_hidden_state);
    out.pooler_output = nn::first_token(out);
    return out;
  }
};

struct Dinov2Backbone : Dinov2<ImageBackbone> {
  using Dinov2::Dinov2;
  BackboneOutput forward(const ImageInputs& in) const override {
    const Dinov2Config& c = this->config();
    const auto run = [this](const ImageInputs& each) { return trunk(each); };
    return nn::feature_maps(run, in, c.stages.chosen(c.num_hidden_layers), [&](int64_t, const Tensor& x_BTD) {
      const Tensor y_BTD = c.apply_layernorm ? layernorm(x_BTD) : x_BTD;
      if (!c.reshape_hidden_states) return y_BTD;
      const nn::Extent grid = nn::patch_grid({in.pixel_values.size(2), in.pixel_values.size(3)}, c.patch());
      return nn::to_picture(narrow(y_BTD, 1, 1, y_BTD.size(1) - 1), grid.height, grid.width);
    });
  }
};

// The class token beside the mean of the patches.
Tensor class_and_mean(const BaseModelOutput& output) {
  const Tensor& x_BTD = output.last_hidden_state;
  return concat({nn::first_token(output), mean(narrow(x_BTD, 1, 1, x_BTD.size(1) - 1), {1})}, 1);
}
struct Scores : nn::Linear {
  explicit Scores(const Dinov2Config& c) : Linear(2 * c.hidden_size, c.num_labels()) {}
};
using Dinov2ForImageClassification = nn::ForImageClassification<Dinov2Model, class_and_mean, Scores>;

}  // namespace imago::dinov2

REGISTER_MODELS(dinov2, Dinov2Model, Dinov2ForImageClassification, Dinov2Backbone)
