// B batch, N patches, T tokens (the class token, perhaps others, and the patches), D hidden.
#include "imago/models/vit/vit.h"

#include "imago/nn/registry.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"

namespace imago::vit {

void ViTConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  nn::patch_grid(nn::extent(image_size, "image_size"), nn::extent(patch_size, "patch_size"));
}

PatchEmbeddings::PatchEmbeddings(const ViTConfig& c) : channels(c.num_channels) {
  const nn::Extent patch = nn::extent(c.patch_size, "patch_size");
  projection = nn::Conv2d::patches(c.num_channels, c.hidden_size, patch.height, patch.width);
}

Tensor PatchEmbeddings::operator()(const ImageInputs& in) const {
  nn::check_pixels(in, channels);
  return nn::to_tokens(projection(in.pixel_values));
}

Embeddings::Embeddings(const ViTConfig& c, bool with_mask_token, bool with_distillation_token)
    : cls_token(parameter({1, 1, c.hidden_size})),
      patch_embeddings(c),
      image(nn::extent(c.image_size, "image_size")),
      patch(nn::extent(c.patch_size, "patch_size")) {
  const nn::Extent grid = nn::patch_grid(image, patch);
  if (with_distillation_token) distillation_token = parameter({1, 1, c.hidden_size});
  const int64_t extra = with_distillation_token ? 2 : 1;
  position_embeddings = parameter({1, grid.height * grid.width + extra, c.hidden_size});
  if (with_mask_token) mask_token = parameter({1, 1, c.hidden_size});
}

Tensor Embeddings::operator()(const ImageInputs& in) const {
  Tensor x_BND = patch_embeddings(in);
  if (in.bool_masked_pos && mask_token) x_BND = nn::hide_patches(x_BND, in.bool_masked_pos, mask_token);
  const Tensor front = distillation_token ? concat({cls_token, distillation_token}, 1) : cls_token;
  const Tensor x_BTD = nn::prepend(front, x_BND);
  const nn::Extent pixels{in.pixel_values.size(2), in.pixel_values.size(3)};
  if (!in.interpolate_pos_encoding) nn::require_image_size(pixels, image);
  // A square as large as the model's keeps its positions as they are.
  if (!in.interpolate_pos_encoding || (x_BTD.size(1) == position_embeddings.size(1) && pixels.height == pixels.width))
    return x_BTD + position_embeddings;
  return x_BTD + nn::interpolate_positions(position_embeddings, front.size(1), nn::patch_grid(pixels, patch));
}

MLP::MLP(int64_t hidden_size, int64_t intermediate_size, std::string_view hidden_act)
    : fc1(hidden_size, intermediate_size),
      fc2(intermediate_size, hidden_size),
      activation(nn::activation(hidden_act)) {}

Attention::Attention(const ViTConfig& c)
    : MultiHeadAttention({.hidden_size = c.hidden_size, .heads = c.num_attention_heads, .bias = c.qkv_bias}) {
  output = nn::Linear(c.hidden_size, c.hidden_size);  // with a bias in any case
}

Layer::Layer(const ViTConfig& c)
    : attention(c),
      layernorm_before(c.hidden_size, c.layer_norm_eps),
      layernorm_after(c.hidden_size, c.layer_norm_eps),
      mlp(c.hidden_size, c.intermediate_size, c.hidden_act) {}

Tensor Layer::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor h_BTD = x_BTD + attention(layernorm_before(x_BTD), context);
  return h_BTD + mlp(layernorm_after(h_BTD));
}

Pooler::Pooler(const ViTConfig& c)
    : dense(c.hidden_size, c.pooler_output_size.value_or(c.hidden_size)), activation(nn::activation(c.pooler_act)) {}

Tensor Pooler::operator()(const Tensor& x_BTD) const { return activation(dense(select(x_BTD, 1, 0))); }

std::vector<WeightRule> attention_rules(const std::string& layers) {
  return {{"*encoder.layer.*.attention.attention.query.*", "*" + layers + ".*.attention.q_proj.*"},
          {"*encoder.layer.*.attention.attention.key.*", "*" + layers + ".*.attention.k_proj.*"},
          {"*encoder.layer.*.attention.attention.value.*", "*" + layers + ".*.attention.v_proj.*"},
          {"*encoder.layer.*.attention.output.dense.*", "*" + layers + ".*.attention.o_proj.*"}};
}

std::vector<WeightRule> layer_rules() {
  std::vector<WeightRule> rules = attention_rules("layers");
  rules.push_back({"*encoder.layer.*.intermediate.dense.*", "*layers.*.mlp.fc1.*"});
  rules.push_back({"*encoder.layer.*.output.dense.*", "*layers.*.mlp.fc2.*"});
  rules.push_back({"*encoder.layer.*.layernorm_*", "*layers.*.layernorm_*"});
  return rules;
}

WeightMap weight_map(std::string prefix) {
  return {.base_model_prefix = std::move(prefix),
          .rules = layer_rules(),
          .ignored = {"*pooler.dense.*", "*embeddings.mask_token"},  // which not every head reads
          .optional = {"pooler.dense.*"}};
}

BaseModelOutput encode(Tensor x_BTD, const std::vector<Layer>& layers, const nn::LayerNorm& layernorm,
                       const std::optional<Pooler>& pooler, const ImageInputs& in) {
  nn::Recorder record(in);
  const nn::AttentionContext context = nn::image_attention(in, record);
  for (const Layer& layer : layers) x_BTD = layer(record(x_BTD), context);
  BaseModelOutput out = record.finish(x_BTD);  // the last hidden state is not normalised
  out.last_hidden_state = layernorm(x_BTD);
  if (pooler && pooler->dense.weight) out.pooler_output = (*pooler)(out.last_hidden_state);
  return out;
}

}  // namespace imago::vit

namespace imago {

void register_vit(Registry& registry) {
  using namespace vit;
  registry.add<ViTModel>("ViTModel");
  registry.add<ViTForImageClassification>("ViTForImageClassification");
  registry.add<ViTForMaskedImageModeling>("ViTForMaskedImageModeling");
}

}  // namespace imago
