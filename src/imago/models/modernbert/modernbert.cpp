// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/modernbert/modernbert.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/gated_activation.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/losses.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::modernbert {
namespace {

// [B, D]: the token at `first`, or the mean of those that are no padding.
Tensor pooled(const ModernBertConfig& c, const Tensor& x_BTD, const TextInputs& in, bool first_visible) {
  const Tensor& mask = in.attention_mask;
  if (c.classifier_pooling == "mean") {
    if (!mask) return mean(x_BTD, {1});
    const Tensor tokens_BT = cast(mask, x_BTD.dtype());
    return sum(x_BTD * unsqueeze(tokens_BT, 2), {1}) / sum(tokens_BT, {1}, true);
  }
  return first_visible && mask ? nn::at_positions(x_BTD, argmax(mask, 1)) : select(x_BTD, 1, 0);
}

}  // namespace

ModernBertConfig::ModernBertConfig() {
  pad_token_id = 50283;
  eos_token_id = {50282};
  bos_token_id = 50281;
}

void ModernBertConfig::validate() const {
  require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  if (classifier_pooling != "cls" && classifier_pooling != "mean")
    throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("classifier_pooling \"{}\"", classifier_pooling),
                "use cls or mean");
  if (sparse_prediction)
    throw Error(ErrorKind::kUnsupported, "config.json", "sparse_prediction", "logits are of all tokens: set it false");
  if (global_attn_every_n_layers < 1 || local_attention < 0)
    throw Error(
        ErrorKind::kInvalidFile, "config.json",
        fmt::format("global_attn_every_n_layers {}, local_attention {}", global_attn_every_n_layers, local_attention));
}

std::optional<int64_t> ModernBertConfig::window(int64_t layer) const {
  return nn::layer_window(layer_types, layer, local_attention / 2 + 1, layer % global_attn_every_n_layers != 0);
}

nn::RotaryConfig ModernBertConfig::rotary(bool sliding) const {
  JsonText own;
  if (!rope_parameters.text.empty()) {
    const Json all = parse_json(rope_parameters.text, "config.json: rope_parameters");
    const auto found = all.find(sliding ? "sliding_attention" : "full_attention");
    if (found != all.end() && !found->is_null()) own.text = dump_json(*found);
  }
  return nn::RotaryConfig::read(own, {}, sliding ? local_rope_theta : global_rope_theta,
                                hidden_size / num_attention_heads, max_position_embeddings);
}

Attention::Attention(const ModernBertConfig& c, int64_t layer)
    : Wqkv(c.hidden_size, 3 * c.hidden_size, c.attention_bias),
      Wo(c.hidden_size, c.hidden_size, c.attention_bias),
      heads(c.num_attention_heads),
      window(c.window(layer)) {}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  const Tensors parts = chunk(Wqkv(x_BTD), 3, -1);
  const Tensor q_BHTK = nn::rotate(nn::split_heads(parts[0], heads), context.angles);
  const Tensor k_BHTK = nn::rotate(nn::split_heads(parts[1], heads), context.angles);
  return Wo(nn::merge_heads(
      nn::attend(q_BHTK, {k_BHTK, nn::split_heads(parts[2], heads)}, nn::within(context.attention, window))));
}

MLP::MLP(const ModernBertConfig& c)
    : Wi(c.hidden_size, 2 * c.intermediate_size, c.mlp_bias),
      Wo(c.intermediate_size, c.hidden_size, c.mlp_bias),
      activation(c.hidden_activation) {
  nn::activation(activation);  // a name that is unknown is told now
}

Tensor MLP::operator()(const Tensor& x_BTD) const {
  const Tensors halves = chunk(Wi(x_BTD), 2, -1);
  return Wo(nn::gated_activation(activation, halves[0], halves[1]));
}

EncoderLayer::EncoderLayer(const ModernBertConfig& c, int64_t layer) : attn(c, layer), mlp_norm(c.norm()), mlp(c) {
  if (layer > 0) attn_norm = c.norm();
}

Tensor EncoderLayer::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  const Tensor h_BTD = x_BTD + attn(attn_norm.weight ? attn_norm(x_BTD) : x_BTD, context);
  return h_BTD + mlp(mlp_norm(h_BTD));
}

ModernBertModel::ModernBertModel(const ModernBertConfig& c)
    : Backbone(c), embeddings(c), final_norm(c.norm()), local_(c.rotary(true)), global_(c.rotary(false)) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

BaseModelOutput ModernBertModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = embeddings.norm(nn::embed(in, embeddings.tok_embeddings));
  const nn::AttentionContext attention = nn::full_attention(in, x_BTD, record);
  const Tensor positions = nn::position_ids(in, x_BTD);
  const nn::RotaryContext local{local_(positions, x_BTD.dtype()), attention};
  const nn::RotaryContext global{global_(positions, x_BTD.dtype()), attention};
  for (const EncoderLayer& layer : layers) x_BTD = layer(record(x_BTD), layer.attn.window ? local : global);
  return record.finish(final_norm(x_BTD));
}

LMHead::LMHead(const ModernBertConfig& c) : FlatLMHead(c, c.classifier_activation, c.norm_eps) {
  if (!c.classifier_bias) dense.bias = {};
  if (!c.norm_bias) norm.bias = {};
  if (!c.decoder_bias) decoder.bias = {};
}

LogitsOutput ModernBertForSequenceClassification::forward(const TextInputs& in) const {
  BaseModelOutput below = base.forward(in);
  Tensor logits = head(pooled(config(), below.last_hidden_state, in, /*first_visible=*/false));
  Tensor loss = nn::sequence_classification_loss(logits, in.labels, config());
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

LogitsOutput ModernBertForMultipleChoice::forward(const TextInputs& in) const {
  const TextInputs rows = nn::flatten_choices(in);
  BaseModelOutput below = base.forward(rows);
  Tensor logits = reshape(head(pooled(config(), below.last_hidden_state, rows, /*first_visible=*/true)),
                          {-1, nn::number_of_choices(in)});
  Tensor loss = nn::token_loss(logits, in.labels);
  return logits_output(std::move(logits), std::move(loss), std::move(below));
}

}  // namespace imago::modernbert

REGISTER_MODELS(modernbert, ModernBertModel, ModernBertForMaskedLM, ModernBertForSequenceClassification,
                ModernBertForMultipleChoice, ModernBertForTokenClassification, ModernBertForQuestionAnswering)
