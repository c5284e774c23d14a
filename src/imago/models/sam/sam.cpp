// B pictures, P prompts of each, T tokens of a prompt, N places of the picture's embedding, D hidden.
#include "imago/models/sam/sam.h"

#include <cmath>
#include <numbers>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/nn/sub_config.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gelu/gelu.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"

namespace imago::sam {
namespace {

constexpr int64_t kNoPoint = -1, kPadding = -10;

[[noreturn]] void refuse(const char* what) { throw Error(ErrorKind::kInvalidArgument, "forward", what); }

}  // namespace

SamVisionConfig SamConfig::vision() const {
  SamVisionConfig config;
  nn::read_sub_config(vision_config, "vision_config", config);
  return config;
}

SamPromptEncoderConfig SamConfig::prompts() const {
  SamPromptEncoderConfig config;
  nn::read_sub_config(prompt_encoder_config, "prompt_encoder_config", config);
  return config;
}

SamMaskDecoderConfig SamConfig::decoder() const {
  SamMaskDecoderConfig config;
  nn::read_sub_config(mask_decoder_config, "mask_decoder_config", config);
  return config;
}

void SamConfig::validate() const {
  const SamVisionConfig v = vision();
  const SamPromptEncoderConfig p = prompts();
  const SamMaskDecoderConfig d = decoder();
  require_heads("hidden_size", d.hidden_size, "num_attention_heads", d.num_attention_heads);
  const bool fits = v.output_channels == d.hidden_size && p.hidden_size == d.hidden_size &&
                    2 * v.num_pos_feats == d.hidden_size && p.patch_size > 0 &&
                    v.grid() == p.image_size / p.patch_size && d.hidden_size % 8 == 0;
  if (!fits)
    throw Error(ErrorKind::kInvalidFile, "config.json",
                "the sizes of the encoders and of the decoder do not fit together");
  if (p.num_point_embeddings != 4 || p.mask_input_channels < 4)
    throw Error(ErrorKind::kUnsupported, "config.json",
                "num_point_embeddings is not 4, or mask_input_channels below 4");
  if (d.attention_downsample_rate < 1 || d.iou_head_depth < 2 || d.num_multimask_outputs < 1 ||
      d.hidden_size / d.attention_downsample_rate % d.num_attention_heads != 0)
    throw Error(ErrorKind::kInvalidFile, "config.json", "the heads of the mask decoder do not fit its size");
}

Tensor PositionalEmbedding::operator()(const Tensor& places) const {
  const Tensor centered = cast(places * 2.0 - 1.0, positional_embedding.dtype());
  const Tensor angles = matmul(centered, positional_embedding) * (2 * std::numbers::pi);
  return concat({sin(angles), cos(angles)}, -1);
}

MaskEmbedding::MaskEmbedding(const SamPromptEncoderConfig& c)
    : conv1(1, c.mask_input_channels / 4, 2, {.stride = 2}),
      conv2(c.mask_input_channels / 4, c.mask_input_channels, 2, {.stride = 2}),
      conv3(c.mask_input_channels, c.hidden_size, 1),
      layer_norm1(c.mask_input_channels / 4, c.layer_norm_eps),
      layer_norm2(c.mask_input_channels / 4 * 4, c.layer_norm_eps),
      activation(nn::activation(c.hidden_act)) {}

Tensor MaskEmbedding::operator()(const Tensor& masks) const {
  return conv3(activation(layer_norm2(conv2(activation(layer_norm1(conv1(masks)))))));
}

PromptEncoder::PromptEncoder(const SamVisionConfig& vision, const SamPromptEncoderConfig& c)
    : shared_embedding(vision),
      mask_embed(c),
      no_mask_embed(1, c.hidden_size),
      not_a_point_embed(1, c.hidden_size),
      image_size(c.image_size) {
  for (int64_t i = 0; i < c.num_point_embeddings; ++i) point_embed.emplace_back(1, c.hidden_size);
}

// Of the middle of each pixel.
Tensor PromptEncoder::places(const Tensor& pixels) const {
  return shared_embedding((pixels + 0.5) / static_cast<double>(image_size));
}

Tensor PromptEncoder::points(const MaskPrompts& in) const {
  Tensor at = in.input_points;
  Tensor kind = in.input_labels ? cast(in.input_labels, DType::i64)
                                : Tensor::ones({at.size(0), at.size(1), at.size(2)}, DType::i64);
  Tensor embedded = places(at);
  if (!in.input_boxes) {  // a point that is none takes the place of the box
    const Tensor one = Tensor::zeros({at.size(0), at.size(1), 1, embedded.size(3)}, embedded.dtype());
    embedded = concat({embedded, one}, 2);
    kind = concat({kind, Tensor::full({at.size(0), at.size(1), 1}, kNoPoint, DType::i64)}, 2);
  }
  const auto is = [&](int64_t label) { return unsqueeze(eq(kind, static_cast<double>(label)), -1); };
  embedded = where(is(kNoPoint), not_a_point_embed.weight, embedded);
  embedded = masked_fill(embedded, is(kPadding), 0);
  embedded = where(is(0), embedded + point_embed[0].weight, embedded);
  return where(is(1), embedded + point_embed[1].weight, embedded);
}

Tensor PromptEncoder::sparse(const MaskPrompts& in) const {
  Tensors all;
  if (in.input_points) all.push_back(points(in));
  if (in.input_boxes) {
    const Tensor corners = reshape(in.input_boxes, {in.input_boxes.size(0), in.input_boxes.size(1), 2, 2});
    all.push_back(places(corners) + concat({point_embed[2].weight, point_embed[3].weight}, 0));
  }
  return all.empty() ? Tensor() : concat(all, 2);
}

Tensor PromptEncoder::dense(const MaskPrompts& in) const {
  return in.input_masks ? mask_embed(in.input_masks) : reshape(no_mask_embed.weight, {1, -1, 1, 1});
}

MaskDecoder::MaskDecoder(const SamMaskDecoderConfig& c)
    : iou_token(1, c.hidden_size),
      mask_tokens(c.num_multimask_outputs + 1, c.hidden_size),
      transformer({.hidden_size = c.hidden_size,
                   .heads = c.num_attention_heads,
                   .inner_size = c.mlp_dim,
                   .layers = c.num_hidden_layers,
                   .final_downsample_rate = c.attention_downsample_rate,
                   .hidden_act = c.hidden_act,
                   .layer_norm_eps = c.layer_norm_eps}),
      upscale_conv1(c.hidden_size, c.hidden_size / 4, 2, 2),
      upscale_conv2(c.hidden_size / 4, c.hidden_size / 8, 2, 2),
      upscale_layer_norm(c.hidden_size / 4),
      iou_prediction_head(c.hidden_size, c.iou_head_hidden_dim, c.num_multimask_outputs + 1, c.iou_head_depth) {
  for (int64_t i = 0; i <= c.num_multimask_outputs; ++i)
    output_hypernetworks_mlps.emplace_back(c.hidden_size, c.hidden_size, c.hidden_size / 8, 3);
}

MaskGenerationOutput MaskDecoder::operator()(const Tensor& picture_BDHW, const Tensor& places, const Tensor& sparse,
                                             const MaskPrompts& in) const {
  const int64_t batch = picture_BDHW.size(0), height = picture_BDHW.size(2), width = picture_BDHW.size(3);
  const int64_t prompts = sparse ? sparse.size(1) : 1, size = picture_BDHW.size(1), count = mask_tokens.weight.size(0);
  const Tensor own = expand(concat({iou_token.weight, mask_tokens.weight}, 0), {batch, prompts, count + 1, size});
  const Tensor first = sparse ? concat({own, sparse}, 2) : own;
  Tensor tokens = first, picture = unsqueeze(nn::to_tokens(picture_BDHW), 1);
  nn::AttentionContext context;
  context.implementation = in.attention;
  MaskGenerationOutput out;
  for (const nn::TwoWayLayer& layer : transformer.layers) {
    const Tensor told = layer(tokens, picture, first, places, context);
    if (in.output_attentions) out.mask_decoder_attentions.push_back(unsqueeze(flatten(told, 0, 1), 1));
  }
  tokens = transformer.layer_norm_final_attn(
      tokens + transformer.final_attn_token_to_image(tokens + first, picture + places, picture, context));

  const Tensor each = expand(picture, {batch, prompts, height * width, size});
  const Tensor small = nn::to_picture(reshape(each, {batch * prompts, height * width, size}), height, width);
  const Tensor pixels = gelu(upscale_conv2(gelu(upscale_layer_norm(upscale_conv1(small)))));
  Tensors filters;
  for (int64_t i = 0; i < count; ++i) filters.push_back(output_hypernetworks_mlps[i](select(tokens, 2, 1 + i)));
  const Tensor masks = matmul(stack(filters, 2), reshape(pixels, {batch, prompts, size / 8, -1}));
  const Tensor scores = iou_prediction_head(select(tokens, 2, 0));
  // The first mask is the one for prompts that say all; the others are parts and wholes.
  const int64_t begin = in.multimask_output ? 1 : 0, shown = in.multimask_output ? count - 1 : 1;
  out.pred_masks = reshape(narrow(masks, 2, begin, shown), {batch, prompts, shown, pixels.size(2), pixels.size(3)});
  out.iou_scores = narrow(scores, 2, begin, shown);
  return out;
}

SamModel::SamModel(const SamConfig& c)
    : Backbone(c),
      shared_image_embedding(c.vision()),
      vision_encoder(c.vision()),
      prompt_encoder(c.vision(), c.prompts()),
      mask_decoder(c.decoder()) {}

WeightMap SamModel::weight_map() const {
  return {.tied = {
              {"prompt_encoder.shared_embedding.positional_embedding", "shared_image_embedding.positional_embedding"}}};
}

Tensor SamModel::picture_places() const {
  const int64_t side = config().vision().grid();
  std::vector<double> places;
  for (int64_t i = 0; i < side * side; ++i) {
    for (const int64_t at : {i % side, i / side})
      places.push_back((static_cast<double>(at) + 0.5) / static_cast<double>(side));
  }
  const DType dtype = shared_image_embedding.positional_embedding.dtype();
  return shared_image_embedding(cast(Tensor::from(places, {1, side * side, 2}), dtype));
}

Tensor SamModel::image_embeddings(const Tensor& pixel_values) const {
  ImageInputs images;
  images.pixel_values = pixel_values;
  return vision_encoder(images).last_hidden_state;
}

MaskGenerationOutput SamModel::forward(const MaskPrompts& in) const {
  if (in.pixel_values.defined() == in.image_embeddings.defined())
    refuse("there are either pixel_values or image_embeddings");
  if (in.input_points && (in.input_points.dim() != 4 || in.input_points.size(3) != 2))
    refuse("input_points are not [batch, prompts, points, 2]");
  if (in.input_boxes && (in.input_boxes.dim() != 3 || in.input_boxes.size(2) != 4))
    refuse("input_boxes are not [batch, prompts, 4]");
  if (in.input_points && in.input_boxes && in.input_points.size(1) != in.input_boxes.size(1))
    refuse("there are as many boxes as prompts of points");
  BaseModelOutput seen;
  seen.last_hidden_state = in.image_embeddings;
  if (in.pixel_values) {
    ImageInputs images;
    images.pixel_values = in.pixel_values;
    images.output_hidden_states = in.output_hidden_states;
    images.output_attentions = in.output_attentions;
    images.attention = in.attention;
    seen = vision_encoder(images);
  }
  const Tensor& embedded = seen.last_hidden_state;
  if (in.input_points && in.input_points.size(0) != embedded.size(0))
    refuse("there are points of another number of pictures");
  MaskGenerationOutput out =
      mask_decoder(embedded + prompt_encoder.dense(in), picture_places(), prompt_encoder.sparse(in), in);
  out.vision_hidden_states = std::move(seen.hidden_states);
  out.vision_attentions = std::move(seen.attentions);
  return out;
}

}  // namespace imago::sam

namespace imago {

void register_sam(Registry& registry) {
  using namespace sam;
  registry.add<SamModel>("SamModel", {"AutoModel"});
  registry.add<SamVisionModel>("SamVisionModel");
}

}  // namespace imago
