// B batch, N patches, T tokens (the class token and the patches), D hidden.
#include "imago/models/dinov2/dinov2.h"

#include "imago/nn/registry.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/silu/silu.h"
#include "imago/ops/slice/slice.h"

namespace imago::dinov2 {

Dinov2Config::Dinov2Config() {
  layer_norm_eps = 1e-6;
  patch_size = {14};
}

void Dinov2Config::each_field(FieldVisitor& visitor) {
  Config::each_field(visitor);
  imago::internal::visit_fields(
      visitor,
      "hidden_size, num_hidden_layers, num_attention_heads, hidden_act, layer_norm_eps, image_size, patch_size, "
      "num_channels, qkv_bias, mlp_ratio, layerscale_value, use_swiglu_ffn, use_mask_token, apply_layernorm, "
      "reshape_hidden_states",
      hidden_size, num_hidden_layers, num_attention_heads, hidden_act, layer_norm_eps, image_size, patch_size,
      num_channels, qkv_bias, mlp_ratio, layerscale_value, use_swiglu_ffn, use_mask_token, apply_layernorm,
      reshape_hidden_states);
  stages.each_field(visitor);
}

Embeddings::Embeddings(const Dinov2Config& c)
    : cls_token(parameter({1, 1, c.hidden_size})), patch_embeddings(c), patch(nn::extent(c.patch_size, "patch_size")) {
  const nn::Extent grid = nn::patch_grid(nn::extent(c.image_size, "image_size"), patch);
  position_embeddings = parameter({1, grid.height * grid.width + 1, c.hidden_size});
  if (c.use_mask_token) mask_token = parameter({1, c.hidden_size});
}

Tensor Embeddings::operator()(const ImageInputs& in) const {
  Tensor x_BND = patch_embeddings(in);
  if (in.bool_masked_pos && mask_token) x_BND = nn::hide_patches(x_BND, in.bool_masked_pos, mask_token);
  const Tensor x_BTD = nn::prepend(cls_token, x_BND);
  const nn::Extent pixels{in.pixel_values.size(2), in.pixel_values.size(3)};
  if (x_BTD.size(1) == position_embeddings.size(1) && pixels.height == pixels.width) return x_BTD + position_embeddings;
  return x_BTD + nn::interpolate_positions(position_embeddings, 1, nn::patch_grid(pixels, patch));
}

SwiGLU::SwiGLU(const Dinov2Config& c) {
  const int64_t inner = (static_cast<int64_t>(static_cast<double>(c.inner_size() * 2) / 3) + 7) / 8 * 8;
  weights_in = nn::Linear(c.hidden_size, 2 * inner);
  weights_out = nn::Linear(inner, c.hidden_size);
}

Tensor SwiGLU::operator()(const Tensor& x_BTD) const {
  const Tensor both = weights_in(x_BTD);
  const int64_t inner = both.size(-1) / 2;
  return weights_out(silu(narrow(both, -1, 0, inner)) * narrow(both, -1, inner, inner));
}

Layer::Layer(const Dinov2Config& c)
    : norm1(c.hidden_size, c.layer_norm_eps),
      norm2(c.hidden_size, c.layer_norm_eps),
      attention(c),
      layer_scale1(c),
      layer_scale2(c) {
  if (c.use_swiglu_ffn) {
    swiglu.emplace(c);
  } else {
    mlp.emplace(c.hidden_size, c.inner_size(), c.hidden_act);
  }
}

void Layer::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "norm1, norm2, attention, layer_scale1, layer_scale2, mlp, mlp", norm1, norm2,
                                attention, layer_scale1, layer_scale2, mlp, swiglu);
}

Tensor Layer::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor h_BTD = x_BTD + attention(norm1(x_BTD), context) * layer_scale1.lambda1;
  const Tensor y_BTD = norm2(h_BTD);
  return h_BTD + (mlp ? (*mlp)(y_BTD) : (*swiglu)(y_BTD)) * layer_scale2.lambda1;
}

Trunk::Trunk(const Dinov2Config& c) : embeddings(c), layernorm(c.hidden_size, c.layer_norm_eps) {
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) encoder.layer.emplace_back(c);
}

BaseModelOutput Trunk::operator()(const ImageInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = embeddings(in);
  const nn::AttentionContext context = nn::image_attention(in, record);
  for (const Layer& each : encoder.layer) x_BTD = each(record(x_BTD), context);
  return record.finish(x_BTD);
}

namespace {

WeightMap names(std::string prefix) {
  return {.base_model_prefix = std::move(prefix),
          .rules = vit::attention_rules("encoder.layer"),
          .ignored = {"*embeddings.mask_token"}};
}

}  // namespace

WeightMap Dinov2Model::weight_map() const { return names("dinov2"); }
WeightMap Dinov2Backbone::weight_map() const { return names("dinov2"); }

BaseModelOutput Dinov2Model::forward(const ImageInputs& in) const {
  BaseModelOutput out = trunk(in);
  out.last_hidden_state = trunk.layernorm(out.last_hidden_state);
  out.pooler_output = select(out.last_hidden_state, 1, 0);
  return out;
}

BackboneOutput Dinov2Backbone::forward(const ImageInputs& in) const {
  const Dinov2Config& c = config();
  const nn::Extent grid = nn::patch_grid({in.pixel_values.size(2), in.pixel_values.size(3)}, trunk.embeddings.patch);
  return nn::feature_maps(trunk, in, c.stages.chosen(c.num_hidden_layers), [&](int64_t, const Tensor& x_BTD) {
    const Tensor y_BTD = c.apply_layernorm ? trunk.layernorm(x_BTD) : x_BTD;
    if (!c.reshape_hidden_states) return y_BTD;
    return nn::to_picture(narrow(y_BTD, 1, 1, y_BTD.size(1) - 1), grid.height, grid.width);
  });
}

Tensor class_and_mean(const BaseModelOutput& output) {
  const Tensor& x_BTD = output.last_hidden_state;
  return concat({select(x_BTD, 1, 0), mean(narrow(x_BTD, 1, 1, x_BTD.size(1) - 1), {1})}, 1);
}

}  // namespace imago::dinov2

namespace imago {

void register_dinov2(Registry& registry) {
  using namespace dinov2;
  registry.add<Dinov2Model>("Dinov2Model");
  registry.add<Dinov2ForImageClassification>("Dinov2ForImageClassification");
  registry.add<Dinov2Backbone>("Dinov2Backbone");
}

}  // namespace imago
