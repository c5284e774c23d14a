// B batch, N positions of a stage, D its hidden size, C channels.
#include "imago/models/segformer/segformer.h"

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/drop_path.h"
#include "imago/nn/dropout.h"
#include "imago/nn/registry.h"
#include "imago/nn/vision/feature_maps.h"
#include "imago/nn/vision/segmentation.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/interpolate/interpolate.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/unary/unary.h"

namespace imago::segformer {
namespace {

constexpr double kEpsilon = 1e-5;  // torch's, as no layer is given another

Tensor resized(const Tensor& x_BCHW, int64_t height, int64_t width) {
  return interpolate(x_BCHW, {.size = {height, width}, .mode = "bilinear"});
}

}  // namespace

void SegformerConfig::validate() const {
  nn::require_stages(num_encoder_blocks, {{"depths", depths.size()},
                                          {"sr_ratios", sr_ratios.size()},
                                          {"hidden_sizes", hidden_sizes.size()},
                                          {"patch_sizes", patch_sizes.size()},
                                          {"strides", strides.size()},
                                          {"num_attention_heads", num_attention_heads.size()},
                                          {"mlp_ratios", mlp_ratios.size()}});
  for (size_t i = 0; i < hidden_sizes.size(); ++i)
    require_heads("hidden_sizes", hidden_sizes[i], "num_attention_heads", num_attention_heads[i]);
}

Attention::Attention(const SegformerConfig& c, int64_t stage) : heads(c.num_attention_heads[stage]) {
  const int64_t size = c.hidden_sizes[stage], ratio = c.sr_ratios[stage];
  for (nn::Linear* linear : {&q_proj, &k_proj, &v_proj, &o_proj}) *linear = nn::Linear(size, size);
  if (ratio > 1) {
    SequenceReduction& reduction = sequence_reduction.emplace();
    reduction.sequence_reduction = nn::Conv2d(size, size, ratio, {.stride = ratio});
    reduction.layer_norm = nn::LayerNorm(size, kEpsilon);
  }
}

Tensor Attention::operator()(const Tensor& x_BND, nn::Extent grid, const nn::AttentionContext& context) const {
  Tensor y_BMD = x_BND;
  if (sequence_reduction) {
    const Tensor picture = nn::to_picture(x_BND, grid.height, grid.width);
    y_BMD = sequence_reduction->layer_norm(nn::to_tokens(sequence_reduction->sequence_reduction(picture)));
  }
  const KeysValues all{nn::split_heads(k_proj(y_BMD), heads), nn::split_heads(v_proj(y_BMD), heads)};
  return o_proj(nn::merge_heads(nn::attend(nn::split_heads(q_proj(x_BND), heads), all, context)));
}

MixMLP::MixMLP(const SegformerConfig& c, int64_t stage)
    : activation(nn::activation(c.hidden_act)), dropped(c.hidden_dropout_prob) {
  const int64_t size = c.hidden_sizes[stage];
  const auto inner = static_cast<int64_t>(static_cast<double>(size) * c.mlp_ratios[stage]);
  fc1 = nn::Linear(size, inner);
  fc2 = nn::Linear(inner, size);
  dwconv.dwconv = nn::Conv2d(inner, inner, 3, {.padding = 1, .groups = inner});
}

Tensor MixMLP::operator()(const Tensor& x_BND, nn::Extent grid) const {
  const Tensor picture = nn::to_picture(fc1(x_BND), grid.height, grid.width);
  return nn::dropout(fc2(nn::dropout(activation(nn::to_tokens(dwconv.dwconv(picture))), dropped)), dropped);
}

Layer::Layer(const SegformerConfig& c, int64_t stage, double rate)
    : layernorm_before(c.hidden_sizes[stage], kEpsilon),
      layernorm_after(c.hidden_sizes[stage], kEpsilon),
      attention(c, stage),
      mlp(c, stage),
      dropped(c.hidden_dropout_prob),
      path_rate(rate) {}

Tensor Layer::operator()(const Tensor& x_BND, nn::Extent grid, const nn::AttentionContext& context) const {
  const Tensor attended_BND = nn::dropout(attention(layernorm_before(x_BND), grid, context), dropped);
  const Tensor h_BND = x_BND + nn::drop_path(attended_BND, path_rate);
  return h_BND + nn::drop_path(mlp(layernorm_after(h_BND), grid), path_rate);
}

Stage::Stage(const SegformerConfig& c, int64_t stage, const std::vector<double>& path_rates)
    : layer_norm(c.hidden_sizes[stage], kEpsilon),
      makes_picture(stage < c.num_encoder_blocks - 1 || c.reshape_last_stage) {
  const int64_t in = stage == 0 ? c.num_channels : c.hidden_sizes[stage - 1], kernel = c.patch_sizes[stage];
  patch_embeddings.proj =
      nn::Conv2d(in, c.hidden_sizes[stage], kernel, {.stride = c.strides[stage], .padding = kernel / 2});
  patch_embeddings.layer_norm = nn::LayerNorm(c.hidden_sizes[stage], kEpsilon);
  for (const double rate : path_rates) blocks.emplace_back(c, stage, rate);
}

Tensor Stage::operator()(const Tensor& x_BCHW, const nn::AttentionContext& context) const {
  const Tensor picture = patch_embeddings.proj(x_BCHW);
  const nn::Extent grid{picture.size(2), picture.size(3)};
  Tensor x_BND = patch_embeddings.layer_norm(nn::to_tokens(picture));
  for (const Layer& block : blocks) x_BND = block(x_BND, grid, context);
  x_BND = layer_norm(x_BND);
  return makes_picture ? nn::to_picture(x_BND, grid.height, grid.width) : x_BND;
}

SegformerModel::SegformerModel(const SegformerConfig& c) : Backbone(c) {
  const std::vector<std::vector<double>> rates = nn::growing_rates(c.drop_path_rate, c.depths);
  for (int64_t stage = 0; stage < c.num_encoder_blocks; ++stage) stages.emplace_back(c, stage, rates[stage]);
}

WeightMap SegformerModel::weight_map() const {
  return {.base_model_prefix = "segformer",
          .rules = {{"*encoder.patch_embeddings.*.*", "*stages.*.patch_embeddings.*"},
                    {"*encoder.block.*.*.attention.self.query.*", "*stages.*.blocks.*.attention.q_proj.*"},
                    {"*encoder.block.*.*.attention.self.key.*", "*stages.*.blocks.*.attention.k_proj.*"},
                    {"*encoder.block.*.*.attention.self.value.*", "*stages.*.blocks.*.attention.v_proj.*"},
                    {"*encoder.block.*.*.attention.output.dense.*", "*stages.*.blocks.*.attention.o_proj.*"},
                    {"*encoder.block.*.*.attention.self.sr.*",
                     "*stages.*.blocks.*.attention.sequence_reduction.sequence_reduction.*"},
                    {"*encoder.block.*.*.attention.self.layer_norm.*",
                     "*stages.*.blocks.*.attention.sequence_reduction.layer_norm.*"},
                    {"*encoder.block.*.*.layer_norm_1.*", "*stages.*.blocks.*.layernorm_before.*"},
                    {"*encoder.block.*.*.layer_norm_2.*", "*stages.*.blocks.*.layernorm_after.*"},
                    {"*encoder.block.*.*.mlp.dense1.*", "*stages.*.blocks.*.mlp.fc1.*"},
                    {"*encoder.block.*.*.mlp.dense2.*", "*stages.*.blocks.*.mlp.fc2.*"},
                    {"*encoder.block.*.*.mlp.dwconv.*", "*stages.*.blocks.*.mlp.dwconv.*"},
                    {"*encoder.layer_norm.*.*", "*stages.*.layer_norm.*"},
                    {"*decode_head.linear_c.*", "*decode_head.linear_projections.*"}}};
}

BaseModelOutput SegformerModel::forward(const ImageInputs& in) const {
  nn::check_pixels(in, config().num_channels);
  nn::Recorder record(in);
  const nn::AttentionContext context = nn::image_attention(in, record);
  const nn::AttentionDropout attention_dropout(config().attention_probs_dropout_prob);
  Tensor x = in.pixel_values;
  for (size_t i = 0; i < stages.size(); ++i) {
    x = stages[i](x, context);
    if (i + 1 < stages.size()) record(x);
  }
  return record.finish(x);
}

Tensor mean_of_last_stage(const BaseModelOutput& output) {
  const Tensor& x = output.last_hidden_state;
  return x.dim() == 4 ? mean(x, {2, 3}) : mean(x, {1});
}

DecodeHead::DecodeHead(const SegformerConfig& c)
    : linear_fuse(c.decoder_hidden_size * c.num_encoder_blocks, c.decoder_hidden_size, 1, {.bias = false}),
      classifier(c.decoder_hidden_size, c.num_labels(), 1),
      batch_norm(c.decoder_hidden_size) {
  for (const int64_t size : c.hidden_sizes)
    linear_projections.emplace_back().proj = nn::Linear(size, c.decoder_hidden_size);
}

Tensor DecodeHead::operator()(const Tensors& stages) const {
  Tensors pictures;  // the last stage first
  for (size_t i = stages.size(); i-- > 0;) {
    const Tensor& x = stages[i];
    const auto side = x.dim() == 4 ? 0 : static_cast<int64_t>(std::sqrt(static_cast<double>(x.size(1))));
    const int64_t height = x.dim() == 4 ? x.size(2) : side, width = x.dim() == 4 ? x.size(3) : side;
    const Tensor projected = linear_projections[i].proj(x.dim() == 4 ? nn::to_tokens(x) : x);
    pictures.push_back(resized(nn::to_picture(projected, height, width), stages[0].size(2), stages[0].size(3)));
  }
  return classifier(relu(batch_norm(linear_fuse(concat(pictures, 1)))));
}

WeightMap SegformerForSemanticSegmentation::weight_map() const {
  return nn::with_head(segformer.weight_map(), "segformer", "decode_head");
}

LogitsOutput SegformerForSemanticSegmentation::forward(const ImageInputs& in) const {
  ImageInputs with_states = in;
  with_states.output_hidden_states = true;
  BaseModelOutput below = segformer.forward(with_states);
  Tensor logits = decode_head(below.hidden_states);
  Tensor loss = nn::semantic_segmentation_loss(logits, in.labels, config().semantic_loss_ignore_index);
  if (!in.output_hidden_states) below.hidden_states.clear();
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

}  // namespace imago::segformer

REGISTER_MODELS(segformer, SegformerModel, SegformerForImageClassification, SegformerForSemanticSegmentation)
