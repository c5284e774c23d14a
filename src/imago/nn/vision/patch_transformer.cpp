#include "imago/nn/vision/patch_transformer.h"

#include "imago/ops/concat/concat.h"
#include "imago/ops/operators.h"

namespace imago::nn {

void PatchTransformerConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  grid();
}

PreNormOptions PatchTransformerConfig::layer_options() const {
  return {.hidden_size = hidden_size,
          .heads = num_attention_heads,
          .intermediate_size = intermediate_size,
          .activation = hidden_act,
          .eps = layer_norm_eps,
          .dropout = hidden_dropout_prob,
          .input_bias = qkv_bias};
}

PatchEmbeddings::PatchEmbeddings(const PatchTransformerConfig& c)
    : projection(Conv2d::patches(c.num_channels, c.hidden_size, c.patch().height, c.patch().width)) {}

Tensor PatchEmbeddings::operator()(const ImageInputs& in) const {
  check_pixels(in, projection.weight.size(1));
  return to_tokens(projection(in.pixel_values));
}

PatchTokens::PatchTokens(const PatchTransformerConfig& c, bool with_mask_token, bool with_distillation_token)
    : cls_token(parameter({1, 1, c.hidden_size})),
      patch_embeddings(c),
      image(c.image()),
      patch(c.patch()),
      dropped(c.hidden_dropout_prob) {
  if (with_distillation_token) distillation_token = parameter({1, 1, c.hidden_size});
  if (with_mask_token) mask_token = parameter({1, 1, c.hidden_size});
  const int64_t extra = with_distillation_token ? 2 : 1;
  position_embeddings = parameter({1, c.grid().height * c.grid().width + extra, c.hidden_size});
}

Tensor PatchTokens::operator()(const ImageInputs& in) const {
  Tensor x_BND = patch_embeddings(in);
  if (in.bool_masked_pos && mask_token) x_BND = hide_patches(x_BND, in.bool_masked_pos, mask_token);
  const Tensor front = distillation_token ? concat({cls_token, distillation_token}, 1) : cls_token;
  const Extent pixels{in.pixel_values.size(2), in.pixel_values.size(3)};
  if (!in.interpolate_pos_encoding) require_image_size(pixels, image);
  const Tensor positions = in.interpolate_pos_encoding ? positions_of(pixels, patch, position_embeddings, front.size(1))
                                                       : position_embeddings;
  return dropout(prepend(front, x_BND) + positions, dropped);
}

std::vector<WeightRule> patch_attention_rules(const std::string& layers) {
  return {{"*encoder.layer.*.attention.attention.query.*", "*" + layers + ".*.attention.q_proj.*"},
          {"*encoder.layer.*.attention.attention.key.*", "*" + layers + ".*.attention.k_proj.*"},
          {"*encoder.layer.*.attention.attention.value.*", "*" + layers + ".*.attention.v_proj.*"},
          {"*encoder.layer.*.attention.output.dense.*", "*" + layers + ".*.attention.o_proj.*"}};
}

std::vector<WeightRule> patch_layer_rules() {
  std::vector<WeightRule> rules = patch_attention_rules("layers");
  rules.push_back({"*encoder.layer.*.intermediate.dense.*", "*layers.*.mlp.fc1.*"});
  rules.push_back({"*encoder.layer.*.output.dense.*", "*layers.*.mlp.fc2.*"});
  rules.push_back({"*encoder.layer.*.layernorm_*", "*layers.*.layernorm_*"});
  return rules;
}

}  // namespace imago::nn
