// B batch, N samples, T frames, D hidden.
#include "imago/models/wav2vec2/wav2vec2.h"

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/ctc_loss.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::wav2vec2 {
namespace {

LogitsOutput logits_of(Tensor logits, Tensor loss, SpeechModelOutput below) {
  LogitsOutput out;
  out.logits = std::move(logits);
  out.loss = std::move(loss);
  take_states(out, std::move(below));
  return out;
}

}  // namespace

Wav2Vec2Config::Wav2Vec2Config() {
  pad_token_id = 0;
  bos_token_id = 1;
  eos_token_id = {2};
}

void Wav2Vec2Config::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  require_heads("hidden_size", hidden_size, "num_conv_pos_embedding_groups", num_conv_pos_embedding_groups);
  if (conv_dim.empty() || conv_dim.size() != conv_stride.size() || conv_dim.size() != conv_kernel.size())
    throw Error(ErrorKind::kInvalidFile, "config.json", "conv_dim, conv_stride and conv_kernel are not of one length");
  if (std::any_of(conv_stride.begin(), conv_stride.end(), [](int64_t stride) { return stride < 1; }))
    throw Error(ErrorKind::kInvalidFile, "config.json", "a conv_stride is below 1");
  if (feat_extract_norm != "group" && feat_extract_norm != "layer")
    throw Error(ErrorKind::kUnsupported, "config.json", "feat_extract_norm is neither \"group\" nor \"layer\"");
  if (add_adapter || adapter_attn_dim)
    throw Error(ErrorKind::kUnsupported, "config.json", "adapters (add_adapter, adapter_attn_dim)");
}

int64_t Wav2Vec2Config::frames(int64_t samples) const {
  for (size_t i = 0; i < conv_dim.size(); ++i)
    samples = samples < conv_kernel[i] ? 0 : (samples - conv_kernel[i]) / conv_stride[i] + 1;
  return samples;
}

FeedForward::FeedForward(const Wav2Vec2Config& c)
    : intermediate_dense(c.hidden_size, c.intermediate_size),
      output_dense(c.intermediate_size, c.hidden_size),
      activation(nn::activation(c.hidden_act)) {}

EncoderLayer::EncoderLayer(const Wav2Vec2Config& c, int64_t layer)
    : attention({.hidden_size = c.hidden_size, .heads = c.num_attention_heads, .layer = layer}),
      layer_norm(c.hidden_size, c.layer_norm_eps),
      final_layer_norm(c.hidden_size, c.layer_norm_eps),
      feed_forward(c),
      norm_first(c.do_stable_layer_norm) {}

Tensor EncoderLayer::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  if (norm_first) {
    const Tensor h_BTD = x_BTD + attention(layer_norm(x_BTD), context);
    return h_BTD + feed_forward(final_layer_norm(h_BTD));
  }
  const Tensor h_BTD = layer_norm(x_BTD + attention(x_BTD, context));
  return final_layer_norm(h_BTD + feed_forward(h_BTD));
}

Encoder::Encoder(const Wav2Vec2Config& c)
    : pos_conv_embed(c.hidden_size, c.num_conv_pos_embeddings, c.num_conv_pos_embedding_groups,
                     c.feat_extract_activation),
      layer_norm(c.hidden_size, c.layer_norm_eps),
      norm_first(c.do_stable_layer_norm) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

BaseModelOutput Encoder::operator()(Tensor x_BTD, const Tensor& mask, const SpeechInputs& in) const {
  nn::Recorder record(in);
  nn::AttentionContext context;
  context.implementation = in.attention;
  context.weights = record.attentions();
  context.mask.key_padding = mask;
  if (mask) x_BTD = x_BTD * cast(unsqueeze(mask, 2), x_BTD.dtype());
  x_BTD = x_BTD + pos_conv_embed(x_BTD);
  if (!norm_first) x_BTD = layer_norm(x_BTD);
  for (const EncoderLayer& layer : layers) x_BTD = layer(record(x_BTD), context);
  BaseModelOutput out = record.finish(x_BTD);
  if (norm_first) out.last_hidden_state = layer_norm(x_BTD);
  return out;
}

Wav2Vec2Model::Wav2Vec2Model(const Wav2Vec2Config& c)
    : Backbone(c), masked_spec_embed(parameter({c.hidden_size})), encoder(c) {
  for (size_t layer = 0; layer < c.conv_dim.size(); ++layer) {
    const nn::Conv1d conv(layer > 0 ? c.conv_dim[layer - 1] : 1, c.conv_dim[layer], c.conv_kernel[layer],
                          {.stride = c.conv_stride[layer], .bias = c.conv_bias});
    const nn::FrameNorm norm = c.feat_extract_norm == "layer" ? nn::FrameNorm::kOverChannels
                               : layer == 0                   ? nn::FrameNorm::kOverTime
                                                              : nn::FrameNorm::kNone;
    feature_extractor.conv_layers.emplace_back(conv, norm, c.feat_extract_activation);
  }
  feature_projection.layer_norm = nn::LayerNorm(c.conv_dim.back(), c.layer_norm_eps);
  feature_projection.projection = nn::Linear(c.conv_dim.back(), c.hidden_size);
}

WeightMap Wav2Vec2Model::weight_map() const {
  const std::string conv = "*pos_conv_embed.conv.", now = conv + "parametrizations.weight.original";
  return {.base_model_prefix = "wav2vec2",
          // Checkpoints of older releases have their names of a weight's length and direction; we save today's.
          .rules = {{now + "0"}, {now + "1"}, {conv + "weight_g", now + "0"}, {conv + "weight_v", now + "1"}},
          .ignored = {"quantizer.*", "project_hid.*", "project_q.*"},
          .optional = {"*masked_spec_embed"}};
}

std::vector<int64_t> Wav2Vec2Model::heard_frames(const SpeechInputs& in) const {
  const int64_t rows = in.input_values.size(0), samples = in.input_values.size(1);
  std::vector<int64_t> frames(static_cast<size_t>(rows), config().frames(samples));
  if (!in.attention_mask) return frames;
  const std::vector<int64_t> heard = sum(in.attention_mask, {1}).to_vector<int64_t>();
  for (size_t row = 0; row < frames.size(); ++row) frames[row] = config().frames(heard[row]);
  return frames;
}

Tensor Wav2Vec2Model::frame_mask(const SpeechInputs& in, int64_t frames) const {
  if (!in.attention_mask) return {};
  const Tensor heard = Tensor::from(heard_frames(in));
  return unsqueeze(Tensor::arange(0, static_cast<double>(frames)), 0) < unsqueeze(heard, 1);
}

SpeechModelOutput Wav2Vec2Model::forward(const SpeechInputs& in) const {
  if (!in.input_values || in.input_values.dim() != 2 || config().frames(in.input_values.size(1)) < 1) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "input_values are no rows of enough samples for one frame",
                "give [batch, samples]");
  }
  Tensor x = unsqueeze(in.input_values, 1);
  for (const nn::SpeechConvLayer& layer : feature_extractor.conv_layers) x = layer(x);
  SpeechModelOutput out;
  out.extract_features = feature_projection.layer_norm(transpose(x, 1, 2));
  const Tensor mask = frame_mask(in, out.extract_features.size(1));
  BaseModelOutput below = encoder(feature_projection.projection(out.extract_features), mask, in);
  out.last_hidden_state = below.last_hidden_state;
  take_states(out, std::move(below));
  return out;
}

LogitsOutput Wav2Vec2ForCTC::forward(const SpeechInputs& in) const {
  SpeechModelOutput below = base.forward(in);
  const Tensor logits = head(below.last_hidden_state);
  const Tensor loss = nn::ctc_loss(logits, in.labels, base.heard_frames(in),
                                   {.blank = config().pad_token_id.value_or(0),
                                    .mean = config().ctc_loss_reduction == "mean",
                                    .zero_infinity = config().ctc_zero_infinity});
  return logits_of(logits, loss, std::move(below));
}

LabelScores::LabelScores(const Wav2Vec2Config& c, bool projects)
    : classifier(projects ? c.classifier_proj_size : c.hidden_size, c.num_labels()) {
  if (projects) projector = nn::Linear(c.hidden_size, c.classifier_proj_size);
  if (c.use_weighted_layer_sum) layer_weights = parameter({c.num_hidden_layers + 1});
}

SpeechInputs LabelScores::asked(SpeechInputs in) const {
  if (layer_weights) in.output_hidden_states = true;
  return in;
}

Tensor LabelScores::states(const SpeechModelOutput& below) const {
  return layer_weights ? nn::weighted_layers(layer_weights, below.hidden_states) : below.last_hidden_state;
}

LogitsOutput Wav2Vec2ForSequenceClassification::forward(const SpeechInputs& in) const {
  SpeechModelOutput below = base.forward(head.asked(in));
  const Tensor x_BTD = head.projector(head.states(below));
  const Tensor mask = base.frame_mask(in, x_BTD.size(1));
  Tensor pooled_BD = mean(x_BTD, {1});
  if (mask) {
    const Tensor weights = cast(unsqueeze(mask, 2), x_BTD.dtype());
    pooled_BD = sum(x_BTD * weights, {1}) / sum(weights, {1});
  }
  const Tensor logits = head.classifier(pooled_BD);
  if (!in.output_hidden_states) below.hidden_states.clear();
  return logits_of(logits, nn::token_loss(logits, in.labels), std::move(below));
}

// Labels are one-hot, [B, T, labels].
LogitsOutput Wav2Vec2ForAudioFrameClassification::forward(const SpeechInputs& in) const {
  SpeechModelOutput below = base.forward(head.asked(in));
  const Tensor logits = head.classifier(head.states(below));
  const Tensor loss = in.labels ? nn::token_loss(logits, argmax(in.labels, -1)) : Tensor();
  if (!in.output_hidden_states) below.hidden_states.clear();
  return logits_of(logits, loss, std::move(below));
}

}  // namespace imago::wav2vec2

namespace imago {

void register_wav2vec2(Registry& registry) {
  using namespace wav2vec2;
  registry.add<Wav2Vec2Model>("Wav2Vec2Model");
  registry.add<Wav2Vec2ForCTC>("Wav2Vec2ForCTC");
  registry.add<Wav2Vec2ForSequenceClassification>("Wav2Vec2ForSequenceClassification");
  registry.add<Wav2Vec2ForAudioFrameClassification>("Wav2Vec2ForAudioFrameClassification");
}

}  // namespace imago
