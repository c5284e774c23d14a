// B pictures, N patches, D hidden.
#include "imago/models/idefics3/idefics3.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/model_part.h"
#include "imago/nn/split_sizes.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::idefics3 {

Idefics3VisionConfig::Idefics3VisionConfig() {
  hidden_size = 1152, intermediate_size = 3072, num_attention_heads = 16;
  hidden_act = "gelu_pytorch_tanh", layer_norm_eps = 1e-6;
}

void Idefics3VisionConfig::validate() const {
  ImageTowerConfig::validate();
  const nn::Extent grid = nn::patch_grid(image(), patch());
  if (grid.height != grid.width)
    throw Error(ErrorKind::kUnsupported, "config.json", "vision_config.image_size is no square of patches");
}

void Idefics3Config::each_field(FieldVisitor& visitor) {
  Config::each_field(visitor);
  imago::internal::visit_fields(
      visitor,
      "text_config, vision_config, image_token_id, scale_factor, _pad_token_id, vocab_size, image_seq_len, "
      "transformers.js_config",
      text_config, vision_config, image_token_id, scale_factor, _pad_token_id, vocab_size, image_seq_len,
      transformers_js_config);
}

void Idefics3Config::validate() const {
  const nn::Extent grid = nn::patch_grid(vision().image(), vision().patch());
  if (scale_factor < 1 || grid.height % scale_factor != 0) {
    throw Error(ErrorKind::kInvalidFile, "config.json",
                fmt::format("squares of {} patches do not divide {} patches to each side", scale_factor, grid.height));
  }
}

Idefics3VisionConfig Idefics3Config::vision() const {
  Idefics3VisionConfig config;
  nn::read_sub_config(vision_config, "vision_config", config);
  return config;
}

// Files of the Hub carry settings of the program that trained them.
JsonText Idefics3Config::text() const {
  Json json = text_config.text.empty() ? Json::object() : parse_json(text_config.text, "text_config");
  if (!json.is_object()) throw Error(ErrorKind::kInvalidFile, "config.json", "text_config is no object");
  for (const char* key : {"_flash_attn_2_enabled", "is_llama_config", "neftune_noise_alpha", "perceiver_config",
                          "pixel_shuffle_factor", "transformers.js_config"})
    json.erase(key);
  for (const char* key : {"qk_layer_norms", "rope_interleaved", "use_resampler"}) {
    if (json.value(key, true) == false) json.erase(key);
  }
  if (!json.contains("rms_norm_eps") && text_config.text.empty()) json["rms_norm_eps"] = 1e-5;
  return {dump_json(json)};
}

VisionEmbeddings::VisionEmbeddings(const Idefics3VisionConfig& c)
    : patch(c.patch()), side(nn::patch_grid(c.image(), patch).height) {
  patch_embedding = nn::Conv2d::patches(c.num_channels, c.hidden_size, patch.height, patch.width);
  position_embedding = nn::Embedding(side * side, c.hidden_size);
}

namespace {

// For each of `count` patches in a row the position among `side` that lies where it does: how many of the bounds
// between positions are not beyond it. Bounds and places in float32, rounded as torch's arange rounds them, which
// computes 16 at a time from every eighth.
std::vector<int64_t> buckets(int64_t side, int64_t count) {
  const double step = 1.0 / static_cast<double>(side);
  const auto bounds_count = static_cast<int64_t>(std::ceil((1.0 - step) / step));
  std::vector<float> bounds;
  for (int64_t i = 0; i < bounds_count; ++i) {
    const bool in_vector = i < bounds_count / 16 * 16;
    const auto base = static_cast<float>(step + step * static_cast<double>(i / 8 * 8));
    const double value = in_vector ? base + step * static_cast<double>(i % 8) : step + step * static_cast<double>(i);
    bounds.push_back(static_cast<float>(value));
  }
  const float width = 1.0F / static_cast<float>(count);
  std::vector<int64_t> found;
  for (int64_t i = 0; i < count; ++i) {
    const float place = std::min(static_cast<float>(i) * width, static_cast<float>(1.0 - 1e-6));
    found.push_back(std::upper_bound(bounds.begin(), bounds.end(), place) - bounds.begin());
  }
  return found;
}

}  // namespace

Tensor VisionEmbeddings::operator()(const Tensor& pixel_values, const Tensor& patch_mask) const {
  const Tensor x_BND = nn::to_tokens(patch_embedding(pixel_values));
  const int64_t batch = patch_mask.size(0), rows = patch_mask.size(1), columns = patch_mask.size(2);
  const std::vector<int64_t> mask = cast(patch_mask, DType::i64).to_vector<int64_t>();
  std::vector<int64_t> positions(mask.size(), 0);
  for (int64_t b = 0; b < batch; ++b) {
    const auto at = [&](int64_t row, int64_t column) { return (b * rows + row) * columns + column; };
    int64_t down = 0, across = 0;
    for (int64_t row = 0; row < rows; ++row) down += mask[at(row, 0)];
    for (int64_t column = 0; column < columns; ++column) across += mask[at(0, column)];
    const std::vector<int64_t> down_at = buckets(side, down), across_at = buckets(side, across);
    for (int64_t row = 0; row < down; ++row) {
      for (int64_t column = 0; column < across; ++column) {
        if (mask[at(row, column)] != 0) positions[at(row, column)] = down_at[row] * side + across_at[column];
      }
    }
  }
  return x_BND + position_embedding(Tensor::from(positions, {batch, rows * columns}));
}

VisionTransformer::VisionTransformer(const Idefics3VisionConfig& c)
    : embeddings(c), encoder(c), post_layernorm(c.hidden_size, c.layer_norm_eps) {}

Tensor VisionTransformer::operator()(const Tensor& pixel_values, const Tensor& pixel_mask,
                                     AttentionImplementation attention) const {
  const auto [height, width] = embeddings.patch;
  const int64_t batch = pixel_values.size(0), rows = pixel_values.size(2) / height,
                columns = pixel_values.size(3) / width;
  Tensor patch_mask = Tensor::ones({batch, rows, columns}, DType::i64);
  if (pixel_mask) {  // a patch of which any pixel is there
    const Tensor whole = slice(slice(cast(pixel_mask, DType::i64), 1, 0, rows * height), 2, 0, columns * width);
    patch_mask = amax(reshape(whole, {batch, rows, height, columns, width}), {2, 4});
  }
  TextInputs in;
  in.attention_mask = reshape(patch_mask, {batch, -1});
  in.attention = attention;
  nn::Recorder record(in);
  const Tensor x_BND = embeddings(pixel_values, patch_mask);
  return post_layernorm(encoder(x_BND, nn::full_attention(in, x_BND, record), record).last_hidden_state);
}

Connector::Connector(int64_t vision_size, int64_t text_size, int64_t factor)
    : proj(vision_size * factor * factor, text_size, false), scale_factor(factor) {}

void Connector::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor, "modality_projection.proj", proj);
}

Tensor Connector::operator()(const Tensor& x_BND) const {
  const int64_t batch = x_BND.size(0), patches = x_BND.size(1), hidden = x_BND.size(2), f = scale_factor;
  const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(patches)));
  if (side * side != patches || side % f != 0) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("{} patches of a picture are no square of squares of {}", patches, f));
  }
  const Tensor squares = permute(reshape(x_BND, {batch, side / f, f, side / f, f, hidden}), {0, 1, 3, 2, 4, 5});
  return proj(reshape(squares, {batch, patches / (f * f), hidden * f * f}));
}

Idefics3Model::Idefics3Model(const Idefics3Config& c)
    : Backbone(c),
      vision_model(c.vision()),
      text_model_(nn::make_part_as<TextModel>(c.text(), "text_config", "llama")),
      connector(c.vision().hidden_size, words().weight.size(1), c.scale_factor) {}

WeightMap Idefics3Model::weight_map() const {
  WeightMap map{.base_model_prefix = "model", .ignored = {"*position_ids"}};
  nn::add_part(map, "text_model", text_model_->weight_map());
  return map;
}

ImageFeaturesOutput Idefics3Model::image_features(const ImageTextToTextInputs& in) const {
  const Tensor& given = in.pixel_values;
  if (given.dim() != 5) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("pixel_values are {}, and not [batch, pictures, 3, height, width]", given.describe()));
  }
  const int64_t rows = given.size(0), most = given.size(1);
  const Tensor all = reshape(given, {rows * most, given.size(2), given.size(3), given.size(4)});
  const std::vector<int64_t> seen =
      cast(amax(cast(ne(all, 0.0), DType::i64), {1, 2, 3}), DType::i64).to_vector<int64_t>();
  std::vector<int64_t> real;
  std::vector<int64_t> counts(static_cast<size_t>(rows), 0);
  for (int64_t i = 0; i < rows * most; ++i) {
    if (seen[i] == 0) continue;
    real.push_back(i);
    ++counts[i / most];
  }
  if (real.empty())
    throw Error(ErrorKind::kInvalidArgument, "forward", "all pictures are black", "leave pixel_values out");
  const Tensor index = Tensor::from(real);
  Tensor mask;
  if (in.pixel_attention_mask) {
    const Tensor& m = in.pixel_attention_mask;
    mask = index_select(reshape(cast(m, DType::i64), {rows * most, m.size(2), m.size(3)}), 0, index);
  }
  ImageFeaturesOutput out;
  out.last_hidden_state = vision_model(index_select(all, 0, index), mask, in.attention);
  const Tensor features = connector(out.last_hidden_state);
  for (const Tensor& row : nn::split_sizes(features, counts, 0))
    out.pooler_output.push_back(reshape(row, {row.size(0) * row.size(1), row.size(2)}));
  return out;
}

}  // namespace imago::idefics3

REGISTER_MODELS(idefics3, Idefics3Model, Idefics3ForConditionalGeneration)
