// B batch, N samples, T frames, D hidden.
#include "imago/models/wav2vec2/wav2vec2.h"

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/unary/unary.h"

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
  code_book().validate();
  const auto refuse = [](bool wrong, ErrorKind kind, const char* what) {
    if (wrong) throw Error(kind, "config.json", what);
  };
  refuse(adapter_kernel_size < 1 || adapter_stride < 1 || num_adapter_layers < 0 || adapter_attn_dim.value_or(1) < 1 ||
             output_size() < 1,
         ErrorKind::kInvalidFile, "a size of adapters is out of range");
  for (const std::string& head : architectures) {
    refuse(add_adapter && (head.ends_with("ForSequenceClassification") || head.ends_with("FrameClassification")),
           ErrorKind::kUnsupported, "add_adapter of a classifier, which the reference has not, either");
  }
}

nn::CodeBookOptions Wav2Vec2Config::code_book() const {
  return {.groups = num_codevector_groups,
          .codes = num_codevectors_per_group,
          .codevector_dim = codevector_dim,
          .frame_size = conv_dim.back(),
          .hidden_size = hidden_size,
          .size = proj_codevector_dim,
          .temperature = contrastive_logits_temperature,
          .diversity_weight = diversity_loss_weight,
          .dropout = feat_quantizer_dropout};
}

nn::FrameOptions Wav2Vec2Config::frame_options() const {
  return {conv_dim, conv_stride, conv_kernel, conv_bias, feat_extract_norm, feat_extract_activation};
}

EncoderLayer::EncoderLayer(const Wav2Vec2Config& c, int64_t layer)
    : attention({.hidden_size = c.hidden_size, .heads = c.num_attention_heads, .layer = layer}),
      layer_norm(c.hidden_size, c.layer_norm_eps),
      final_layer_norm(c.hidden_size, c.layer_norm_eps),
      feed_forward(c.hidden_size, c.intermediate_size, c.hidden_act, c.dropout(c.layerdrop)),
      norm_first(c.do_stable_layer_norm),
      dropped(c.hidden_dropout) {
  if (norm_first && c.adapter_attn_dim) adapter_layer.emplace(c.hidden_size, *c.adapter_attn_dim);
}

AttentionAdapter::AttentionAdapter(int64_t hidden_size, int64_t inner_size)
    : norm(hidden_size, 1e-5), linear_1(hidden_size, inner_size), linear_2(inner_size, hidden_size) {}

Tensor AttentionAdapter::operator()(const Tensor& x_BTD) const { return linear_2(relu(linear_1(norm(x_BTD)))); }

Tensor EncoderLayer::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  if (norm_first) {
    const Tensor h_BTD = x_BTD + nn::dropout(attention(layer_norm(x_BTD), context), dropped);
    const Tensor y_BTD = h_BTD + feed_forward(final_layer_norm(h_BTD));
    return adapter_layer ? y_BTD + (*adapter_layer)(y_BTD) : y_BTD;
  }
  const Tensor h_BTD = layer_norm(x_BTD + nn::dropout(attention(x_BTD, context), dropped));
  return final_layer_norm(h_BTD + feed_forward(h_BTD));
}

Encoder::Encoder(const Wav2Vec2Config& c)
    : pos_conv_embed(c.hidden_size, c.num_conv_pos_embeddings, c.num_conv_pos_embedding_groups,
                     c.feat_extract_activation),
      layer_norm(c.hidden_size, c.layer_norm_eps),
      norm_first(c.do_stable_layer_norm),
      dropped(c.dropout(c.layerdrop)) {
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
  x_BTD = nn::dropout(x_BTD, dropped.hidden);
  const nn::AttentionDropout attention_dropout(dropped.attention);
  for (const EncoderLayer& layer : layers) {
    if (!nn::drops_layer(dropped.layer)) x_BTD = layer(record(x_BTD), context);
  }
  BaseModelOutput out = record.finish(x_BTD);
  if (norm_first) out.last_hidden_state = layer_norm(x_BTD);
  return out;
}

Adapter::Adapter(const Wav2Vec2Config& c) {
  const int64_t size = c.output_size();
  if (size != c.hidden_size) {
    proj = nn::Linear(c.hidden_size, size);
    proj_layer_norm = nn::LayerNorm(size, 1e-5);
  }
  const nn::Conv1dOptions options{.stride = c.adapter_stride, .padding = 1};
  for (int64_t layer = 0; layer < c.num_adapter_layers; ++layer)
    layers.push_back({.conv = nn::Conv1d(size, 2 * size, c.adapter_kernel_size, options)});
}

Tensor Adapter::operator()(const Tensor& x_BTD) const {
  Tensor x_BDT = transpose(proj.weight ? proj_layer_norm(proj(x_BTD)) : x_BTD, 1, 2);
  for (const AdapterLayer& layer : layers) {
    const Tensor both = layer.conv(x_BDT);
    const int64_t size = both.size(1) / 2;
    x_BDT = narrow(both, 1, 0, size) * sigmoid(narrow(both, 1, size, size));
  }
  return transpose(x_BDT, 1, 2);
}

Wav2Vec2Model::Wav2Vec2Model(const Wav2Vec2Config& c)
    : Backbone(c),
      feature_extractor(c.frame_options()),
      feature_projection(c.conv_dim.back(), c.hidden_size, c.layer_norm_eps),
      masked_spec_embed(parameter({c.hidden_size})),
      encoder(c) {
  if (c.add_adapter) adapter.emplace(c);
}

WeightMap Wav2Vec2Model::weight_map() const {
  return {.base_model_prefix = "wav2vec2",
          .rules = nn::positional_convolution_rules(),
          .ignored = {"quantizer.*", "project_hid.*", "project_q.*"},
          .optional = {"*masked_spec_embed"}};
}

std::vector<int64_t> Wav2Vec2Model::heard_frames(const SpeechInputs& in) const {
  std::vector<int64_t> heard = nn::heard_frames(feature_extractor.options, in.input_values, in.attention_mask);
  for (int64_t layer = 0; adapter && layer < config().num_adapter_layers; ++layer) {
    for (int64_t& count : heard) count = (count - 1) / config().adapter_stride + 1;
  }
  return heard;
}

SpeechModelOutput Wav2Vec2Model::hear(const SpeechInputs& in, const Tensor& hidden_BT) const {
  SpeechModelOutput out;
  out.extract_features = feature_projection.layer_norm(feature_extractor(in.input_values));
  Tensor x_BTD = nn::dropout(feature_projection.projection(out.extract_features), config().feat_proj_dropout), mask;
  const auto frames = nn::heard_frames(feature_extractor.options, in.input_values, in.attention_mask);
  if (in.attention_mask) mask = nn::first_frames(frames, x_BTD.size(1));
  x_BTD = nn::hide_spans(config(), x_BTD, hidden_BT, masked_spec_embed,
                         in.attention_mask ? frames : std::vector<int64_t>());
  if (adapter && config().layerdrop > 0 && nn::training_generator() != nullptr)
    throw Error(ErrorKind::kUnsupported, "train", "layerdrop of a model with an adapter, whose layers numpy drops");
  BaseModelOutput below = encoder(x_BTD, mask, in);
  out.last_hidden_state = adapter ? (*adapter)(below.last_hidden_state) : below.last_hidden_state;
  take_states(out, std::move(below));
  return out;
}

}  // namespace imago::wav2vec2

REGISTER_MODELS(wav2vec2, Wav2Vec2Model, Wav2Vec2ForPreTraining, Wav2Vec2ForCTC, Wav2Vec2ForSequenceClassification,
                Wav2Vec2ForAudioFrameClassification, Wav2Vec2ForXVector)
