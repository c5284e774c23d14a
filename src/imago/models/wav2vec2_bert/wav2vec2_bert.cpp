// B batch, T frames, D hidden, H heads, K head size.
#include "imago/models/wav2vec2_bert/wav2vec2_bert.h"

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/nn/registry.h"
#include "imago/nn/sinusoidal_positions.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::wav2vec2_bert {

Wav2Vec2BertConfig::Wav2Vec2BertConfig() {
  pad_token_id = 0;
  bos_token_id = 1;
  eos_token_id = {2};
}

void Wav2Vec2BertConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  require_heads("output_hidden_size", output_size(), "num_attention_heads", num_attention_heads);
  const std::string type = position_embeddings_type.value_or("none");
  if (type != "none" && type != "relative_key" && type != "relative" && type != "rotary")
    throw Error(ErrorKind::kUnsupported, "config.json", "position_embeddings_type is \"" + type + "\"");
  if (conv_depthwise_kernel_size < 1 || conv_depthwise_kernel_size % 2 == 0)
    throw Error(ErrorKind::kInvalidFile, "config.json", "conv_depthwise_kernel_size is no odd number");
  if (left_max_position_embeddings < 0 || right_max_position_embeddings < 0 || adapter_stride < 1 ||
      adapter_kernel_size < 1 || num_adapter_layers < 0)
    throw Error(ErrorKind::kInvalidFile, "config.json", "a size of positions or of the adapter is out of range");
  if (use_intermediate_ffn_before_adapter && !add_adapter)
    throw Error(ErrorKind::kInvalidFile, "config.json", "use_intermediate_ffn_before_adapter without add_adapter");
}

nn::ConformerAttentionOptions Wav2Vec2BertConfig::attention() const {
  return {hidden_size, num_attention_heads, position_embeddings_type.value_or("none"), left_max_position_embeddings,
          right_max_position_embeddings};
}

// With the dropout that all of them share.
nn::SpeechFeedForward feed_forward(const Wav2Vec2BertConfig& c, int64_t size, std::string_view activation) {
  return {size, c.intermediate_size, activation, {.hidden = c.hidden_dropout, .activation = c.activation_dropout}};
}

EncoderLayer::EncoderLayer(const Wav2Vec2BertConfig& c)
    : ffn1_layer_norm(c.hidden_size, c.layer_norm_eps),
      self_attn_layer_norm(c.hidden_size, c.layer_norm_eps),
      ffn2_layer_norm(c.hidden_size, c.layer_norm_eps),
      final_layer_norm(c.hidden_size, c.layer_norm_eps),
      ffn1(feed_forward(c, c.hidden_size, c.hidden_act)),
      ffn2(feed_forward(c, c.hidden_size, c.hidden_act)),
      self_attn(c.attention()),
      conv_module(c.hidden_size, c.conv_depthwise_kernel_size, c.hidden_act, c.layer_norm_eps,
                  c.conformer_conv_dropout),
      attention_dropped(c.attention_dropout) {}

Tensor EncoderLayer::operator()(const Tensor& x_BTD, const nn::AttentionContext& context,
                                const nn::ConformerPositions& at) const {
  Tensor h_BTD = ffn1(ffn1_layer_norm(x_BTD)) * 0.5 + x_BTD;
  h_BTD = nn::dropout(self_attn(self_attn_layer_norm(h_BTD), context, at), attention_dropped) + h_BTD;
  h_BTD = conv_module(h_BTD, context.mask.key_padding) + h_BTD;
  return final_layer_norm(ffn2(ffn2_layer_norm(h_BTD)) * 0.5 + h_BTD);
}

AdapterLayer::AdapterLayer(const Wav2Vec2BertConfig& c)
    : residual_layer_norm(c.output_size(), c.layer_norm_eps),
      self_attn_layer_norm(c.output_size(), c.layer_norm_eps),
      ffn_layer_norm(c.output_size(), c.layer_norm_eps),
      residual_conv(c.output_size(), 2 * c.output_size(), c.adapter_kernel_size,
                    {.stride = c.adapter_stride, .padding = c.adapter_stride / 2}),
      self_attn_conv(c.output_size(), 2 * c.output_size(), c.adapter_kernel_size,
                     {.stride = c.adapter_stride, .padding = c.adapter_stride / 2}),
      self_attn({.hidden_size = c.output_size(), .heads = c.num_attention_heads}),
      ffn(feed_forward(c, c.output_size(), c.adapter_act)),
      attention_dropped(c.conformer_conv_dropout) {}

Tensor AdapterLayer::operator()(const Tensor& x_BTD, nn::AttentionContext context,
                                const std::vector<int64_t>& heard) const {
  const auto fewer = [&](const nn::LayerNorm& norm, const nn::Conv1d& conv) {
    return transpose(nn::gated_linear_unit(conv(transpose(norm(x_BTD), 1, 2)), 1), 1, 2);
  };
  const Tensor attended_BTD = fewer(self_attn_layer_norm, self_attn_conv);
  context.weights = nullptr;  // the reference gives the encoder's only
  context.mask.key_padding = heard.empty() ? Tensor() : nn::first_frames(heard, attended_BTD.size(1));
  const Tensor h_BTD =
      nn::dropout(self_attn(attended_BTD, context, {}), attention_dropped) + fewer(residual_layer_norm, residual_conv);
  return ffn(ffn_layer_norm(h_BTD)) + h_BTD;
}

Adapter::Adapter(const Wav2Vec2BertConfig& c) {
  if (c.output_size() != c.hidden_size) {
    proj = nn::Linear(c.hidden_size, c.output_size());
    proj_layer_norm = nn::LayerNorm(c.output_size(), c.layer_norm_eps);
  }
  for (int64_t layer = 0; layer < c.num_adapter_layers; ++layer) layers.emplace_back(c);
}

Wav2Vec2BertModel::Wav2Vec2BertModel(const Wav2Vec2BertConfig& c)
    : Backbone(c),
      feature_projection(c.feature_projection_input_dim, c.hidden_size, c.layer_norm_eps),
      masked_spec_embed(parameter({c.hidden_size})) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) encoder.layers.emplace_back(c);
  if (c.add_adapter) adapter.emplace(c);
  if (c.use_intermediate_ffn_before_adapter) intermediate_ffn = feed_forward(c, c.hidden_size, "relu");
}

nn::ConformerPositions Wav2Vec2BertModel::positions(int64_t frames, DType dtype) const {
  nn::ConformerPositions at;
  const Wav2Vec2BertConfig& c = config();
  const auto most = static_cast<double>(frames);
  if (c.position_embeddings_type == "relative") {
    const Tensor towards_left = unsqueeze(Tensor::arange(1 - most, most), 0) * -1.0;
    at.sinusoids = cast(nn::interleaved_sinusoidal_positions(towards_left, c.hidden_size), dtype);
  }
  if (c.position_embeddings_type == "rotary") {
    const nn::Rotary rotary({.rope_theta = static_cast<double>(c.rotary_embedding_base),
                             .head_dim = c.hidden_size / c.num_attention_heads});
    at.angles = rotary(unsqueeze(Tensor::arange(0, most), 0), dtype);
  }
  return at;
}

int64_t Wav2Vec2BertModel::adapted(int64_t frames) const {
  const Wav2Vec2BertConfig& c = config();
  return (frames + 2 * (c.adapter_kernel_size / 2) - c.adapter_kernel_size) / c.adapter_stride + 1;
}

std::vector<int64_t> Wav2Vec2BertModel::heard_frames(const SpeechInputs& in) const {
  std::vector<int64_t> heard(static_cast<size_t>(in.input_features.size(0)), in.input_features.size(1));
  if (in.attention_mask) heard = sum(in.attention_mask, {1}).to_vector<int64_t>();
  for (int64_t layer = 0; layer < (adapter ? config().num_adapter_layers : 0); ++layer) {
    for (int64_t& count : heard) count = adapted(count);
  }
  return heard;
}

SpeechModelOutput Wav2Vec2BertModel::forward(const SpeechInputs& in) const {
  const Tensor& features = in.input_features;
  if (!features || features.dim() != 3 || features.size(1) < 1 ||
      features.size(2) != config().feature_projection_input_dim)
    throw Error(ErrorKind::kInvalidArgument, "forward", "input_features are not [batch, frames, bands] of this model",
                "make them with the checkpoint's feature extractor");
  nn::Recorder record(in);
  nn::AttentionContext context;
  context.implementation = in.attention;
  context.weights = record.attentions();
  SpeechModelOutput out;
  out.extract_features = feature_projection.layer_norm(features);
  Tensor x_BTD = nn::dropout(feature_projection.projection(out.extract_features), config().feat_proj_dropout);
  std::vector<int64_t> heard;
  if (in.attention_mask) {
    context.mask.key_padding = ne(in.attention_mask, 0);
    heard = sum(in.attention_mask, {1}).to_vector<int64_t>();
    x_BTD = x_BTD * cast(unsqueeze(context.mask.key_padding, 2), x_BTD.dtype());
  }
  x_BTD = nn::dropout(x_BTD, config().hidden_dropout);
  const nn::AttentionDropout attention_dropout(config().attention_dropout);
  const nn::ConformerPositions at = positions(x_BTD.size(1), x_BTD.dtype());
  for (const EncoderLayer& layer : encoder.layers) x_BTD = layer(record(x_BTD), context, at);
  take_states(out, record.finish(x_BTD));
  if (intermediate_ffn) x_BTD = x_BTD + (*intermediate_ffn)(x_BTD)*0.5;
  if (adapter && adapter->proj.weight) x_BTD = adapter->proj_layer_norm(adapter->proj(x_BTD));
  for (size_t i = 0; adapter && i < adapter->layers.size(); ++i) {
    for (int64_t& count : heard) count = adapted(count);
    x_BTD = adapter->layers[i](x_BTD, context, heard);
  }
  out.last_hidden_state = x_BTD;
  return out;
}

}  // namespace imago::wav2vec2_bert

REGISTER_MODELS(wav2vec2_bert, Wav2Vec2BertModel, Wav2Vec2BertForCTC, Wav2Vec2BertForSequenceClassification,
                Wav2Vec2BertForAudioFrameClassification, Wav2Vec2BertForXVector)
