// B batch, N samples, T frames, D hidden.
#include "imago/models/wav2vec2/wav2vec2.h"

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::wav2vec2 {

Wav2Vec2Config::Wav2Vec2Config() {
  pad_token_id = 0;
  bos_token_id = 1;
  eos_token_id = {2};
}

void Wav2Vec2Config::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  require_heads("hidden_size", hidden_size, "num_conv_pos_embedding_groups", num_conv_pos_embedding_groups);
  frame_options().validate();
  if (add_adapter || adapter_attn_dim)
    throw Error(ErrorKind::kUnsupported, "config.json", "adapters (add_adapter, adapter_attn_dim)");
}

nn::FrameOptions Wav2Vec2Config::frame_options() const {
  return {conv_dim, conv_stride, conv_kernel, conv_bias, feat_extract_norm, feat_extract_activation};
}

EncoderLayer::EncoderLayer(const Wav2Vec2Config& c, int64_t layer)
    : attention({.hidden_size = c.hidden_size, .heads = c.num_attention_heads, .layer = layer}),
      layer_norm(c.hidden_size, c.layer_norm_eps),
      final_layer_norm(c.hidden_size, c.layer_norm_eps),
      feed_forward(c.hidden_size, c.intermediate_size, c.hidden_act),
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
    : Backbone(c),
      feature_extractor(c.frame_options()),
      feature_projection(c.conv_dim.back(), c.hidden_size, c.layer_norm_eps),
      masked_spec_embed(parameter({c.hidden_size})),
      encoder(c) {}

WeightMap Wav2Vec2Model::weight_map() const {
  return {.base_model_prefix = "wav2vec2",
          .rules = nn::positional_convolution_rules(),
          .ignored = {"quantizer.*", "project_hid.*", "project_q.*"},
          .optional = {"*masked_spec_embed"}};
}

std::vector<int64_t> Wav2Vec2Model::heard_frames(const SpeechInputs& in) const {
  const nn::FrameOptions& options = feature_extractor.options;
  std::vector<int64_t> heard(static_cast<size_t>(in.input_values.size(0)), in.input_values.size(1));
  if (in.attention_mask) heard = sum(in.attention_mask, {1}).to_vector<int64_t>();
  for (int64_t& count : heard) count = options.frames(count);
  return heard;
}

SpeechModelOutput Wav2Vec2Model::forward(const SpeechInputs& in) const {
  SpeechModelOutput out;
  out.extract_features = feature_projection.layer_norm(feature_extractor(in.input_values));
  Tensor mask;
  if (in.attention_mask) mask = nn::first_frames(heard_frames(in), out.extract_features.size(1));
  BaseModelOutput below = encoder(feature_projection.projection(out.extract_features), mask, in);
  out.last_hidden_state = below.last_hidden_state;
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::wav2vec2

namespace imago {

void register_wav2vec2(Registry& registry) {
  using namespace wav2vec2;
  registry.add<Wav2Vec2Model>("Wav2Vec2Model");
  registry.add<nn::ForCTC<Wav2Vec2Model>>("Wav2Vec2ForCTC");
  registry.add<nn::ForSoundClassification<Wav2Vec2Model>>("Wav2Vec2ForSequenceClassification");
  registry.add<nn::ForFrameClassification<Wav2Vec2Model>>("Wav2Vec2ForAudioFrameClassification");
  registry.add<nn::ForXVector<Wav2Vec2Model>>("Wav2Vec2ForXVector");
}

}  // namespace imago
