// B batch, T tokens, D hidden.
#include "imago/models/gemma3_text/gemma3_text.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"

namespace imago::gemma3_text {
namespace {

// Those of one type of layers in {"full_attention": {...}, "sliding_attention": {...}}; none where they are not given.
JsonText parameters_of(const JsonText& rope_parameters, const std::string& layer_type) {
  if (rope_parameters.text.empty()) return {};
  JsonText found;
  const Json json = parse_json(rope_parameters.text, "config.json: rope parameters");
  for (const auto& [key, value] : json.items()) {
    if (key != "full_attention" && key != "sliding_attention") {
      throw Error(ErrorKind::kUnsupported, "config.json",
                  fmt::format("rope_parameters of a gemma3_text model have the key \"{}\"", key),
                  "give those of full_attention and of sliding_attention");
    }
    if (key == layer_type && !value.is_null()) found.text = dump_json(value);
  }
  return found;
}

}  // namespace

Gemma3TextConfig::Gemma3TextConfig() {
  pad_token_id = 0;
  eos_token_id = {1};
  bos_token_id = 2;
}

void Gemma3TextConfig::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", num_key_value_heads);
  for (const auto& [key, value] : {std::pair{"query_pre_attn_scalar", query_pre_attn_scalar},
                                   {"sliding_window", sliding_window},
                                   {"sliding_window_pattern", sliding_window_pattern}}) {
    if (value < 1) throw Error(ErrorKind::kInvalidFile, "config.json", fmt::format("{} is {}", key, value));
  }
}

std::optional<int64_t> Gemma3TextConfig::window(int64_t layer) const {
  // To both sides together where attention goes both ways.
  const int64_t size = bidirectional() ? sliding_window / 2 + 1 : sliding_window;
  return nn::layer_window(layer_types, layer, size, (layer + 1) % sliding_window_pattern != 0);
}

nn::RotaryConfig Gemma3TextConfig::rotary(bool sliding) const {
  const JsonText parameters = parameters_of(rope_parameters, sliding ? "sliding_attention" : "full_attention");
  const double theta = sliding ? rope_local_base_freq.value_or(10000) : rope_theta.value_or(1000000);
  return nn::RotaryConfig::read(parameters, sliding ? JsonText{} : rope_scaling, theta, head_dim,
                                max_position_embeddings);
}

Attention::Attention(const Gemma3TextConfig& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.num_key_value_heads,
                             .head_size = c.head_dim,
                             .layer = layer,
                             .bias = c.attention_bias,
                             .output_bias = c.attention_bias,
                             .window = c.window(layer),
                             .scale = 1 / std::sqrt(static_cast<double>(c.query_pre_attn_scalar)),
                             .norm = nn::QueryKeyNorm::kEachHead,
                             .norm_eps = c.rms_norm_eps}) {}

Gemma3TextModel::Gemma3TextModel(const Gemma3TextConfig& c)
    : Backbone(c),
      embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
      norm(c.hidden_size, c.rms_norm_eps),
      full_rotary_(c.rotary(false)),
      sliding_rotary_(c.rotary(true)) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

BaseModelOutput Gemma3TextModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, embed_tokens);
  if (in.input_ids) x_BTD = x_BTD * std::sqrt(static_cast<double>(config().hidden_size));
  const Tensor positions = nn::position_ids(in, x_BTD);
  nn::AttentionContext attention = nn::causal_attention(in, x_BTD, record);
  attention.mask.causal = !config().bidirectional();
  const nn::RotaryContext full{full_rotary_(positions, x_BTD.dtype()), attention};
  const nn::RotaryContext sliding{sliding_rotary_(positions, x_BTD.dtype()), attention};
  for (const DecoderLayer& layer : layers)
    x_BTD = layer(record(x_BTD), layer.self_attn.options.window ? sliding : full);
  return record.finish(norm(x_BTD));
}

}  // namespace imago::gemma3_text

REGISTER_MODELS(gemma3_text, Gemma3TextModel, Gemma3ForCausalLM, Gemma3TextForSequenceClassification)
