// B batch, N places of a map, Q queries, D hidden.
#include "imago/models/mask2former/mask2former.h"

#include <limits>

#include "imago/nn/registry.h"
#include "imago/nn/vision/sine_positions.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/linear/linear.h"
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

constexpr double kEpsilon = 1e-5;  // torch's, as no key says it
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

CrossAttention::CrossAttention(int64_t hidden_size, int64_t head_count)
    : in_proj_weight(parameter({3 * hidden_size, hidden_size})),
      in_proj_bias(parameter({3 * hidden_size})),
      out_proj(hidden_size, hidden_size),
      heads(head_count) {}

Tensor CrossAttention::operator()(const Tensor& query, const Tensor& key, const Tensor& value,
                                  const nn::AttentionContext& context) const {
  const int64_t size = in_proj_weight.size(1);
  const auto projected = [&](int64_t part, const Tensor& x) {
    const Tensor weight = narrow(in_proj_weight, 0, part * size, size),
                 bias = narrow(in_proj_bias, 0, part * size, size);
    return nn::split_heads(linear(x, weight, bias), heads);
  };
  const KeysValues all{projected(1, key), projected(2, value)};
  return out_proj(nn::merge_heads(nn::attend(projected(0, query), all, context)));
}

SelfAttention::SelfAttention(int64_t hidden_size, int64_t head_count) : heads(head_count) {
  for (nn::Linear* linear : {&k_proj, &v_proj, &q_proj, &out_proj}) *linear = nn::Linear(hidden_size, hidden_size);
}

Tensor SelfAttention::operator()(const Tensor& placed, const Tensor& value, const nn::AttentionContext& context) const {
  const KeysValues all{nn::split_heads(k_proj(placed), heads), nn::split_heads(v_proj(value), heads)};
  return out_proj(nn::merge_heads(nn::attend(nn::split_heads(q_proj(placed), heads), all, context)));
}

DecoderLayer::DecoderLayer(const Mask2FormerConfig& c)
    : self_attn(c.hidden_dim, c.num_attention_heads),
      cross_attn(c.hidden_dim, c.num_attention_heads),
      self_attn_layer_norm(c.hidden_dim, kEpsilon),
      cross_attn_layer_norm(c.hidden_dim, kEpsilon),
      final_layer_norm(c.hidden_dim, kEpsilon),
      fc1(c.hidden_dim, c.dim_feedforward),
      fc2(c.dim_feedforward, c.hidden_dim),
      activation(nn::activation(c.activation_function)),
      pre_norm(c.pre_norm) {}

Tensor DecoderLayer::operator()(const Tensor& x_BQD, const Tensor& queries_1QD, const Tensor& keys_BND,
                                const Tensor& values_BND, const nn::DecoderContext& context) const {
  const auto before = [&](const nn::LayerNorm& norm, const Tensor& x) { return pre_norm ? norm(x) : x; };
  const auto after = [&](const nn::LayerNorm& norm, const Tensor& x) { return pre_norm ? x : norm(x); };
  Tensor h = before(cross_attn_layer_norm, x_BQD);
  Tensor x = after(cross_attn_layer_norm, x_BQD + cross_attn(h + queries_1QD, keys_BND, values_BND, context.cross));
  h = before(self_attn_layer_norm, x);
  x = after(self_attn_layer_norm, x + self_attn(h + queries_1QD, h, context.self));
  h = before(final_layer_norm, x);
  return after(final_layer_norm, x + fc2(activation(fc1(h))));
}

MaskEmbedder::MaskEmbedder(int64_t hidden_size, int64_t out) {
  for (const int64_t size : {hidden_size, hidden_size, out}) layers.emplace_back(hidden_size, size);
}

void MaskEmbedder::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "0.0, 1.0, 2.0", layers[0], layers[1], layers[2]);
}

Tensor MaskEmbedder::operator()(const Tensor& x) const { return layers[2](relu(layers[1](relu(layers[0](x))))); }

Decoder::Decoder(const Mask2FormerConfig& c)
    : layernorm(c.hidden_dim, kEpsilon), mask_predictor{{}, MaskEmbedder(c.hidden_dim, c.mask_feature_size)} {
  for (int64_t i = 0; i + 1 < c.decoder_layers; ++i) layers.emplace_back(c);
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

Mask2FormerOutput Mask2FormerForUniversalSegmentation::forward(const SegmentationInputs& in) const {
  Mask2FormerModelOutput below = model.forward(in);
  Mask2FormerOutput out;
  out.class_queries_logits = class_predictor(queries_first(below.transformer_decoder_intermediate_states.back()));
  out.masks_queries_logits = below.masks_queries_logits.back();
  static_cast<Mask2FormerStates&>(out) = std::move(below);
  return out;
}

QueriedMasks Mask2FormerForUniversalSegmentation::queried_masks(const SegmentationInputs& in) const {
  const Mask2FormerOutput out = forward(in);
  return {out.class_queries_logits, out.masks_queries_logits, kJudgedSide};
}

}  // namespace imago::mask2former

namespace imago {

void register_mask2former(Registry& registry) {
  using namespace mask2former;
  registry.add<Mask2FormerModel>("Mask2FormerModel");
  registry.add<Mask2FormerForUniversalSegmentation>("Mask2FormerForUniversalSegmentation");
}

}  // namespace imago
