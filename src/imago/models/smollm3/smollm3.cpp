// SmolLM3 (Bakouch et al. 2025, "SmolLM3: smol, multilingual, long-context reasoner").
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/gated_mlp.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::smollm3 {

struct SmolLM3Config : Config {
  static constexpr const char* kModelType = "smollm3";
  int64_t vocab_size = 128256, hidden_size = 2048, intermediate_size = 11008;
  int64_t num_hidden_layers = 36, num_attention_heads = 16;
  std::optional<int64_t> num_key_value_heads = 4, head_dim;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 32768;
  double rms_norm_eps = 1e-6;
  bool attention_bias = false, mlp_bias = false;
  bool use_sliding_window = false;
  std::optional<int64_t> sliding_window;
  std::optional<std::vector<int64_t>> no_rope_layers;  // a layer with 0 goes without positions
  int64_t no_rope_layer_interval = 4;                  // without the list, every so many layers one
  std::optional<std::vector<std::string>> layer_types;
  std::optional<double> rope_theta = 2000000;
  JsonText rope_parameters, rope_scaling;
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_act, max_position_embeddings, rms_norm_eps, attention_bias, mlp_bias,
             use_sliding_window, sliding_window, no_rope_layers, no_rope_layer_interval, layer_types, rope_theta,
             rope_parameters, rope_scaling, attention_dropout)

  SmolLM3Config() {
    pad_token_id = 128004;
    bos_token_id = 128000;
    eos_token_id = {128001};
  }
  void validate() const override {
    require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
    if (no_rope_layers ? static_cast<int64_t>(no_rope_layers->size()) >= num_hidden_layers
                       : no_rope_layer_interval >= 1)
      return;
    throw Error(ErrorKind::kInvalidFile, "config.json",
                no_rope_layers ? fmt::format("no_rope_layers has {} entries for {} layers", no_rope_layers->size(),
                                             num_hidden_layers)
                               : fmt::format("no_rope_layer_interval is {}", no_rope_layer_interval));
  }
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
  bool has_positions(int64_t layer) const {
    if (no_rope_layers) return (*no_rope_layers)[static_cast<size_t>(layer)] != 0;
    return (layer + 1) % no_rope_layer_interval != 0;
  }
  // Only layers without positions have it, unless layer_types says otherwise.
  std::optional<int64_t> window(int64_t layer) const {
    const auto enabled = use_sliding_window ? sliding_window : std::nullopt;
    return nn::layer_window(layer_types, layer, enabled, !has_positions(layer));
  }
};

// Llama's, but that some layers are told no positions ("Rope to Nope and Back Again", 2025).
struct Attention : nn::GroupedQueryAttention<> {
  Attention(const SmolLM3Config& c, int64_t layer)
      : GroupedQueryAttention({.hidden_size = c.hidden_size,
                               .heads = c.num_attention_heads,
                               .key_value_heads = c.key_value_heads(),
                               .head_size = c.head_size(),
                               .layer = layer,
                               .bias = c.attention_bias,
                               .output_bias = c.attention_bias,
                               .rotary = c.has_positions(layer),
                               .window = c.window(layer)}) {}
};

struct MLP : nn::GatedMLP {
  MLP(const SmolLM3Config& c, int64_t) : GatedMLP(c.hidden_size, c.intermediate_size, c.hidden_act, c.mlp_bias) {}
};

using SmolLM3Model = nn::RotaryDecoder<SmolLM3Config, nn::PreNormLayer<Attention, MLP>>;
using SmolLM3ForCausalLM = nn::ForCausalLM<SmolLM3Model>;
using SmolLM3ForSequenceClassification = nn::ScoreAtLastToken<SmolLM3Model>;
using SmolLM3ForTokenClassification = nn::ForTokenClassification<SmolLM3Model, "score">;
using SmolLM3ForQuestionAnswering = nn::ForQuestionAnswering<SmolLM3Model, "qa_outputs", "transformer">;

}  // namespace imago::smollm3

REGISTER_MODELS(smollm3, SmolLM3Model, SmolLM3ForCausalLM, SmolLM3ForSequenceClassification,
                SmolLM3ForTokenClassification, SmolLM3ForQuestionAnswering)
