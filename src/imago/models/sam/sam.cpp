// B pictures, P prompts of each, T tokens of a prompt, N places of the picture's embedding, D hidden.
#include "imago/models/sam/sam.h"

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/nn/sub_config.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gelu/gelu.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::sam {
namespace {

template <class Part>
Part part(const JsonText& text, const char* key) {
  Part config;
  nn::read_sub_config(text, key, config);
  return config;
}

[[noreturn]] void refuse(const char* what) { throw Error(ErrorKind::kInvalidArgument, "forward", what); }

nn::PromptEncoderOptions encoder_options(const SamPromptEncoderConfig& c, const SamVisionConfig& vision) {
  return {c.hidden_size, c.image_size, c.mask_input_channels, vision.num_pos_feats, c.hidden_act, c.layer_norm_eps};
}

}  // namespace

SamVisionConfig SamConfig::vision() const { return part<SamVisionConfig>(vision_config, "vision_config"); }

SamPromptEncoderConfig SamConfig::prompts() const {
  return part<SamPromptEncoderConfig>(prompt_encoder_config, "prompt_encoder_config");
}

SamMaskDecoderConfig SamConfig::decoder() const {
  return part<SamMaskDecoderConfig>(mask_decoder_config, "mask_decoder_config");
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

MaskDecoder::MaskDecoder(const SamMaskDecoderConfig& c)
    : iou_token(1, c.hidden_size),
      mask_tokens(c.num_multimask_outputs + 1, c.hidden_size),
      transformer({c.hidden_size, c.num_attention_heads, c.mlp_dim, c.num_hidden_layers, c.attention_downsample_rate,
                   c.hidden_act, c.layer_norm_eps}),
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
      shared_image_embedding(c.vision().num_pos_feats),
      vision_encoder(c.vision()),
      prompt_encoder(encoder_options(c.prompts(), c.vision())),
      mask_decoder(c.decoder()) {}

WeightMap SamModel::weight_map() const {
  return {.tied = {
              {"prompt_encoder.shared_embedding.positional_embedding", "shared_image_embedding.positional_embedding"}}};
}

Tensor SamModel::image_embeddings(const Tensor& pixel_values) const {
  return vision_encoder({.pixel_values = pixel_values}).last_hidden_state;
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
    seen = vision_encoder({.pixel_values = in.pixel_values,
                           .output_hidden_states = in.output_hidden_states,
                           .output_attentions = in.output_attentions,
                           .attention = in.attention});
  }
  const Tensor& embedded = seen.last_hidden_state;
  if (in.input_points && in.input_points.size(0) != embedded.size(0))
    refuse("there are points of another number of pictures");
  MaskGenerationOutput out =
      mask_decoder(embedded + prompt_encoder.dense(in), shared_image_embedding.grid(config().vision().grid()),
                   prompt_encoder.sparse(in), in);
  out.vision_hidden_states = std::move(seen.hidden_states);
  out.vision_attentions = std::move(seen.attentions);
  return out;
}

}  // namespace imago::sam

REGISTER_MODELS(sam, SamModel, SamVisionModel)
