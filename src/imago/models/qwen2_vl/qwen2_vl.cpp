#include "imago/models/qwen2_vl/qwen2_vl.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/multi_axis_rotary.h"
#include "imago/nn/split_sizes.h"
#include "imago/nn/sub_config.h"
#include "imago/nn/vision/patch_grids.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gelu/gelu.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::qwen2_vl {

void Qwen2VLVisionConfig::validate() const {
  require_heads("embed_dim", embed_dim, "num_heads", num_heads);
  require_heads("embed_dim / num_heads", embed_dim / num_heads, "4", 4);
  for (const int64_t size : {in_channels, patch_size, spatial_merge_size, temporal_patch_size}) {
    if (size < 1) throw Error(ErrorKind::kInvalidFile, "config.json", fmt::format("a size of patches is {}", size));
  }
}

double Qwen2VLVisionConfig::rope_theta() const {
  constexpr double kDefault = 10000;
  if (rope_parameters.text.empty()) return kDefault;
  const Json json = parse_json(rope_parameters.text, "rope_parameters");
  if (json.value("rope_type", "axial") != "axial")
    throw Error(ErrorKind::kUnsupported, "config.json", "rope_parameters of pictures that are not axial");
  return json.value("rope_theta", kDefault);
}

Qwen2VLTextConfig::Qwen2VLTextConfig() {
  vocab_size = 152064, hidden_size = 8192, intermediate_size = 29568, num_hidden_layers = 80;
  num_attention_heads = 64, num_key_value_heads = 8, rms_norm_eps = 1e-5, max_window_layers = 80;
  bos_token_id = 151643, eos_token_id = {151645};
}

namespace {

// The parameters but for what RotaryConfig does not know.
Json rope_json(const Qwen2VLTextConfig& c) {
  const JsonText& text = c.rope_scaling.text.empty() ? c.rope_parameters : c.rope_scaling;
  return text.text.empty() ? Json::object() : parse_json(text.text, "rope_parameters");
}

}  // namespace

std::vector<int64_t> Qwen2VLTextConfig::mrope_section() const {
  const Json json = rope_json(*this);
  return json.value("mrope_section", std::vector<int64_t>{16, 24, 24});
}

nn::RotaryConfig rotary_config(const Qwen2VLTextConfig& c) {
  Json json = rope_json(c);
  json.erase("mrope_section");
  for (const char* key : {"rope_type", "type"}) {
    if (json.value(key, "") == "mrope") json[key] = "default";
  }
  return nn::RotaryConfig::read({dump_json(json)}, {}, c.rope_theta.value_or(1e6), c.head_size(),
                                c.max_position_embeddings);
}

void Qwen2VLConfig::validate() const {
  text();
  vision();
}

Qwen2VLTextConfig Qwen2VLConfig::text() const {
  if (text_config.text.empty()) return *this;
  Qwen2VLTextConfig config;
  nn::read_sub_config(text_config, "text_config", config);
  return config;
}

Qwen2VLVisionConfig Qwen2VLConfig::vision() const {
  Qwen2VLVisionConfig config;
  nn::read_sub_config(vision_config, "vision_config", config);
  return config;
}

VisionAttention::VisionAttention(const Qwen2VLVisionConfig& c)
    : qkv(c.embed_dim, 3 * c.embed_dim), proj(c.embed_dim, c.embed_dim), heads(c.num_heads) {}

Tensor VisionAttention::operator()(const Tensor& x_ND, const nn::RotaryAngles& angles,
                                   std::span<const int64_t> sizes) const {
  const Tensors parts = chunk(unsqueeze(qkv(x_ND), 0), 3, -1);
  const Tensors q = nn::split_sizes(nn::rotate(nn::split_heads(parts[0], heads), angles), sizes, 2);
  const Tensors k = nn::split_sizes(nn::rotate(nn::split_heads(parts[1], heads), angles), sizes, 2);
  const Tensors v = nn::split_sizes(nn::split_heads(parts[2], heads), sizes, 2);
  Tensors pictures;
  for (size_t i = 0; i < q.size(); ++i)
    pictures.push_back(nn::merge_heads(scaled_dot_product_attention(q[i], k[i], v[i])));
  return proj(squeeze(concat(pictures, 1), 0));
}

VisionMLP::VisionMLP(const Qwen2VLVisionConfig& c)
    : fc1(c.embed_dim, c.embed_dim * c.mlp_ratio),
      fc2(c.embed_dim * c.mlp_ratio, c.embed_dim),
      activation(nn::activation(c.hidden_act)) {}

VisionBlock::VisionBlock(const Qwen2VLVisionConfig& c)
    : norm1(c.embed_dim, 1e-6), norm2(c.embed_dim, 1e-6), attn(c), mlp(c) {}

PatchMerger::PatchMerger(const Qwen2VLVisionConfig& c) : ln_q(c.embed_dim, 1e-6) {
  const int64_t together = c.embed_dim * c.spatial_merge_size * c.spatial_merge_size;
  first = nn::Linear(together, together);
  last = nn::Linear(together, c.hidden_size);
}

void PatchMerger::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "ln_q, mlp.0, mlp.2", ln_q, first, last);
}

Tensor PatchMerger::operator()(const Tensor& x_ND) const {
  return last(gelu(first(reshape(ln_q(x_ND), {-1, first.weight.size(1)}))));
}

VisionTransformer::VisionTransformer(const Qwen2VLVisionConfig& c)
    : patch_embed(parameter({c.embed_dim, c.in_channels, c.temporal_patch_size, c.patch_size, c.patch_size})),
      merger(c),
      config(c) {
  for (int64_t i = 0; i < c.depth; ++i) blocks.emplace_back(c);
}

void VisionTransformer::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "patch_embed.proj.weight, blocks, merger", patch_embed, blocks, merger);
}

ImageFeaturesOutput VisionTransformer::operator()(const Tensor& patches_NP, const Tensor& grid_thw,
                                                  const ImageTextToTextInputs& in) const {
  const std::vector<nn::PatchGrid> grids = nn::read_grids(grid_thw, config.spatial_merge_size);
  if (in.output_attentions) throw Error(ErrorKind::kUnsupported, "forward", "attention weights of Qwen2-VL's pictures");
  if (!(patches_NP.shape() == Shape{nn::patch_count(grids), config.patch_values()})) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("pixel_values are {}, and not [{}, {}]", patches_NP.describe(), nn::patch_count(grids),
                            config.patch_values()));
  }
  // Of a head's pairs of channels one half turns by the height, the other by the width.
  const int64_t pairs = config.embed_dim / config.num_heads / 2, half = pairs / 2;
  std::vector<double> frequencies;
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < pairs; ++i) {
    frequencies.push_back(std::pow(config.rope_theta(), -static_cast<double>(i % half) / static_cast<double>(half)));
    axes.push_back(i / half);
  }
  std::vector<int64_t> sizes;
  for (const nn::PatchGrid& grid : grids) {
    for (int64_t time = 0; time < grid.time; ++time) sizes.push_back(grid.height * grid.width);
  }
  nn::Recorder record(in);
  Tensor x_ND = linear(patches_NP, reshape(patch_embed, {config.embed_dim, -1}));
  const nn::RotaryAngles angles =
      nn::multi_axis_angles(nn::patch_positions(grids, config.spatial_merge_size), frequencies, axes, x_ND.dtype());
  for (const VisionBlock& block : blocks) x_ND = block(record(x_ND), angles, sizes);
  BaseModelOutput seen = record.finish(x_ND);
  const Tensor merged = merger(x_ND);
  std::vector<int64_t> counts;
  for (const nn::PatchGrid& grid : grids) counts.push_back(grid.tokens(config.spatial_merge_size));
  return {seen.last_hidden_state, nn::split_sizes(merged, counts, 0), std::move(seen.hidden_states), {}};
}

nn::RotaryAngles Qwen2VLTextModel::angles(const TextInputs& in, const Tensor& x_BTD) const {
  Tensor positions = nn::position_ids(in, x_BTD);
  if (positions.dim() == 2) positions = expand(unsqueeze(positions, 0), {3, -1, -1});
  const std::vector<double> frequencies = rotary().inverse_frequencies(1);
  std::vector<int64_t> axes;
  int64_t section = 0;
  for (const int64_t count : config().mrope_section()) axes.insert(axes.end(), count, section++ % 3);
  if (axes.size() != frequencies.size()) {
    throw Error(ErrorKind::kInvalidFile, "config.json",
                fmt::format("mrope_section has {} pairs of channels, a head has {}", axes.size(), frequencies.size()));
  }
  return nn::multi_axis_angles(positions, frequencies, axes, x_BTD.dtype());
}

WeightMap Qwen2VLModel::weight_map() const {
  WeightMap map{.base_model_prefix = "model"};
  map.rules = {{"visual.*", "model.visual.*"},
               {"model.embed_tokens.*", "model.language_model.embed_tokens.*"},
               {"model.layers.*", "model.language_model.layers.*"},
               {"model.norm.*", "model.language_model.norm.*"}};
  return map;
}

Tensor Qwen2VLModel::prompt_positions(const ImageTextToTextInputs& in) const {
  if (!in.image_grid_thw && !in.video_grid_thw) return ImageTextModelBase::prompt_positions(in);
  const int64_t merge = visual.config.spatial_merge_size;
  const auto grids = [&](const Tensor& grid_thw) {
    return grid_thw ? nn::read_grids(grid_thw, merge) : std::vector<nn::PatchGrid>{};
  };
  return nn::text_and_patch_positions(in, {image_token(), grids(in.image_grid_thw)},
                                      {video_token(), grids(in.video_grid_thw)}, merge);
}

ImageTextToTextOutput Qwen2VLModel::forward(const ImageTextToTextInputs& in) const {
  if (in.position_ids || (!in.image_grid_thw && !in.video_grid_thw)) return ImageTextModelBase::forward(in);
  ImageTextToTextInputs placed = in;
  placed.position_ids = prompt_positions(in);
  return ImageTextModelBase::forward(placed);
}

}  // namespace imago::qwen2_vl

REGISTER_MODELS(qwen2_vl, Qwen2VLModel, Qwen2VLForConditionalGeneration)
