// B batch, N tokens, H height and W width of the grid of patches, C channels of a stage.
#include "imago/models/swin/swin.h"

#include "imago/base/error.h"
#include "imago/nn/drop_path.h"
#include "imago/nn/dropout.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::swin {
namespace {

constexpr double kEpsilon = 1e-5;  // of the norms that layer_norm_eps is not of

Tensor as_tokens(const Tensor& x_BHWC) { return flatten(x_BHWC, 1, 2); }
Tensor as_picture(const Tensor& x_BHWC) { return permute(x_BHWC, {0, 3, 1, 2}); }

// Calls keep(what a stage begins with or gave, the same before it was halved). Attention weights are those of each
// stage's last layer.
Tensor run_stages(Tensor x_BHWC, const Encoder& encoder, nn::Partition partition, const nn::AttentionContext& context,
                  const std::function<void(const Tensor&, const Tensor&)>& keep) {
  keep(x_BHWC, x_BHWC);
  for (const Stage& stage : encoder.layers) {
    nn::AttentionContext quiet = context;
    quiet.weights = nullptr;
    for (const nn::ShiftedWindowLayer& layer : stage.blocks)
      x_BHWC = layer(x_BHWC, partition, &layer == &stage.blocks.back() ? context : quiet);
    const Tensor before = x_BHWC;
    if (stage.downsample) x_BHWC = (*stage.downsample)(x_BHWC);
    keep(x_BHWC, before);
  }
  return x_BHWC;
}

}  // namespace

void SwinConfig::validate() const {
  nn::require_stages(stage_count(), {{"num_heads", num_heads.size()}});
  constexpr int64_t kMostStages = 16;  // each has twice the channels of the one before
  if (stage_count() > kMostStages) throw Error(ErrorKind::kInvalidFile, "config.json", "depths has over 16 stages");
  if (window_size < 1 || embed_dim < 1 || mlp_ratio <= 0 || encoder_stride < 1)
    throw Error(ErrorKind::kInvalidFile, "config.json",
                "embed_dim, window_size, mlp_ratio or encoder_stride is below 1");
  for (size_t stage = 0; stage < depths.size(); ++stage)
    require_heads("the size of a stage", size_of(static_cast<int64_t>(stage)), "num_heads", num_heads[stage]);
  nn::patch_grid(nn::extent(image_size, "image_size"), nn::extent(patch_size, "patch_size"));
}

nn::ShiftedWindowOptions SwinConfig::windows(int64_t stage) const {
  return {.hidden_size = size_of(stage),
          .heads = num_heads.at(stage),
          .window = window_size,
          .inner_size = static_cast<int64_t>(mlp_ratio * static_cast<double>(size_of(stage))),
          .qkv_bias = qkv_bias,
          .hidden_act = hidden_act,
          .layer_norm_eps = layer_norm_eps,
          .dropout = hidden_dropout_prob};
}

Embeddings::Embeddings(const SwinConfig& c, bool with_mask_token)
    : norm(c.embed_dim, kEpsilon), patch(nn::extent(c.patch_size, "patch_size")), dropped(c.hidden_dropout_prob) {
  patch_embeddings.projection = nn::Conv2d::patches(c.num_channels, c.embed_dim, patch.height, patch.width);
  if (with_mask_token) mask_token = parameter({1, 1, c.embed_dim});
  const nn::Extent grid = nn::patch_grid(nn::extent(c.image_size, "image_size"), patch);
  if (c.use_absolute_embeddings) position_embeddings = parameter({1, grid.height * grid.width, c.embed_dim});
}

Tensor Embeddings::operator()(const ImageInputs& in) const {
  const nn::Extent pixels = nn::check_pixels(in, patch_embeddings.projection.weight.size(1));
  const nn::Extent grid{nn::whole_windows(pixels.height, patch.height), nn::whole_windows(pixels.width, patch.width)};
  const Tensor padded =
      pad(in.pixel_values, {0, grid.width * patch.width - pixels.width, 0, grid.height * patch.height - pixels.height});
  Tensor x_BNC = norm(nn::to_tokens(patch_embeddings.projection(padded)));
  if (in.bool_masked_pos && mask_token) x_BNC = nn::hide_patches(x_BNC, in.bool_masked_pos, mask_token);
  if (position_embeddings) {
    const bool same = x_BNC.size(1) == position_embeddings.size(1);
    if (!in.interpolate_pos_encoding && !same)
      throw Error(ErrorKind::kInvalidArgument, "forward", "the positions are of pictures of another size",
                  "resize the picture, or set interpolate_pos_encoding");
    const bool stays = !in.interpolate_pos_encoding || (same && pixels.height == pixels.width);
    x_BNC = x_BNC + (stays ? position_embeddings : nn::interpolate_positions(position_embeddings, 0, grid));
  }
  return reshape(nn::dropout(x_BNC, dropped), {x_BNC.size(0), grid.height, grid.width, -1});
}

Stage::Stage(const SwinConfig& c, int64_t stage, const std::vector<double>& path_rates) {
  for (const double rate : path_rates) blocks.emplace_back(c.windows(stage), blocks.size() % 2 == 1, rate);
  if (stage + 1 < c.stage_count()) downsample.emplace(c.size_of(stage));
}

Trunk::Trunk(const SwinConfig& c, bool with_mask_token)
    : embeddings(c, with_mask_token), attention_dropout(c.attention_probs_dropout_prob) {
  const std::vector<std::vector<double>> rates = nn::growing_rates(c.drop_path_rate, c.depths);
  for (int64_t stage = 0; stage < c.stage_count(); ++stage) encoder.layers.emplace_back(c, stage, rates[stage]);
}

SwinOutput Trunk::operator()(const ImageInputs& in) const {
  nn::Recorder record(in);
  SwinOutput out;
  Tensors states;
  const nn::AttentionContext context = nn::image_attention(in, record);
  const nn::AttentionDropout dropping(attention_dropout);
  const Tensor x_BHWC =
      run_stages(embeddings(in), encoder, nn::Partition::kWhereItFits, context, [&](const Tensor& x, const Tensor&) {
        if (!in.output_hidden_states) return;
        states.push_back(as_tokens(x));
        out.reshaped_hidden_states.push_back(as_picture(x));
      });
  static_cast<BaseModelOutput&>(out) = record.finish(as_tokens(x_BHWC));
  out.hidden_states = std::move(states);
  return out;
}

BaseModelOutput Trunk::maps(const ImageInputs& in) const {
  nn::Recorder record(in);
  Tensors states;
  const nn::AttentionContext context = nn::image_attention(in, record);
  const nn::AttentionDropout dropping(attention_dropout);
  const Tensor x_BHWC = run_stages(embeddings(in), encoder, nn::Partition::kAlways, context,
                                   [&](const Tensor&, const Tensor& before) { states.push_back(as_picture(before)); });
  BaseModelOutput out = record.finish(x_BHWC);
  out.hidden_states = std::move(states);
  return out;
}

std::vector<WeightRule> layer_rules() {
  return {{"*attention.self.query.*", "*attention.q_proj.*"},
          {"*attention.self.key.*", "*attention.k_proj.*"},
          {"*attention.self.value.*", "*attention.v_proj.*"},
          {"*attention.self.relative_position_bias_table",
           "*attention.relative_position_bias.relative_position_bias_table"},
          {"*attention.output.dense.*", "*attention.o_proj.*"},
          {"*intermediate.dense.*", "*mlp.fc1.*"},
          {"*blocks.*.output.dense.*", "*blocks.*.mlp.fc2.*"}};
}

SwinModel::SwinModel(const SwinConfig& c, bool with_mask_token)
    : Backbone(c), trunk(c, with_mask_token), layernorm(c.output_size(), c.layer_norm_eps) {}

void SwinModel::each_field(FieldVisitor& visitor) {
  trunk.each_field(visitor);
  imago::internal::visit_field(visitor, "layernorm", layernorm);
}

WeightMap SwinModel::weight_map() const {
  return {.base_model_prefix = "swin",
          .rules = layer_rules(),
          .ignored = {"*relative_position_index", "*embeddings.mask_token"}};
}

SwinOutput SwinModel::forward(const ImageInputs& in) const {
  SwinOutput out = trunk(in);
  out.last_hidden_state = layernorm(out.last_hidden_state);
  out.pooler_output = mean(out.last_hidden_state, {1});
  return out;
}

SwinClassifierOutput SwinForImageClassification::forward(const ImageInputs& in) const {
  SwinOutput below = swin.forward(in);
  SwinClassifierOutput out;
  out.logits = classifier(below.pooler_output);
  out.loss = nn::sequence_classification_loss(out.logits, in.labels, config());
  out.reshaped_hidden_states = std::move(below.reshaped_hidden_states);
  take_states(out, std::move(below));
  return out;
}

SwinReconstructionOutput SwinForMaskedImageModeling::forward(const ImageInputs& in) const {
  SwinOutput below = swin.forward(in);
  SwinReconstructionOutput out;
  out.reshaped_hidden_states = std::move(below.reshaped_hidden_states);
  static_cast<MaskedImageModelingOutput&>(out) = nn::reconstruct_image(
      std::move(below), [this](const Tensor& x) { return decoder(x); }, 0, config().patch_size.at(0), in);
  return out;
}

SwinBackbone::SwinBackbone(const SwinConfig& c) : Backbone(c), swin(c, false) {
  for (const int64_t stage : c.stages.chosen(c.stage_count()))
    hidden_states_norms.norms.emplace(stage, nn::PixelNorm(c.size_of(std::max<int64_t>(stage, 1) - 1), kEpsilon));
}

WeightMap SwinBackbone::weight_map() const {
  return {.base_model_prefix = "swin", .rules = layer_rules(), .ignored = {"*relative_position_index", "*layernorm.*"}};
}

BackboneOutput SwinBackbone::forward(const ImageInputs& in) const {
  return nn::feature_maps([this](const ImageInputs& each) { return swin.maps(each); }, in,
                          config().stages.chosen(config().stage_count()),
                          [&](int64_t stage, const Tensor& x) { return hidden_states_norms(stage, x); });
}

}  // namespace imago::swin

REGISTER_MODELS(swin, SwinModel, SwinForImageClassification, SwinForMaskedImageModeling, SwinBackbone)
