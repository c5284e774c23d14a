// Qwen3 (Yang et al. 2025, "Qwen3 Technical Report").
#include "imago/nn/gated_mlp.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::qwen3 {

struct Qwen3Config : Config {
  static constexpr const char* kModelType = "qwen3";
  int64_t vocab_size = 151936, hidden_size = 4096, intermediate_size = 22016;
  int64_t num_hidden_layers = 32, num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads = 32;
  int64_t head_dim = 128;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 32768;
  double rms_norm_eps = 1e-6;
  bool attention_bias = false;
  bool use_sliding_window = false;
  std::optional<int64_t> sliding_window = 4096;
  int64_t max_window_layers = 28;
  std::optional<std::vector<std::string>> layer_types;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_act, max_position_embeddings, rms_norm_eps, attention_bias,
             use_sliding_window, sliding_window, max_window_layers, layer_types, rope_theta, rope_parameters,
             rope_scaling, attention_dropout)

  Qwen3Config() { tie_word_embeddings = false; }
  void validate() const override {
    require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  }
  int64_t head_size() const { return head_dim; }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
  // The layers from max_window_layers on have it, unless layer_types says otherwise.
  std::optional<int64_t> window(int64_t layer) const {
    const auto enabled = use_sliding_window ? sliding_window : std::nullopt;
    return nn::layer_window(layer_types, layer, enabled, layer >= max_window_layers);
  }
};

// Llama's, with a norm of each head of the queries and the keys.
struct Attention : nn::GroupedQueryAttention<> {
  Attention(const Qwen3Config& c, int64_t layer)
      : GroupedQueryAttention({.hidden_size = c.hidden_size,
                               .heads = c.num_attention_heads,
                               .key_value_heads = c.key_value_heads(),
                               .head_size = c.head_size(),
                               .layer = layer,
                               .bias = c.attention_bias,
                               .output_bias = c.attention_bias,
                               .window = c.window(layer),
                               .norm = nn::QueryKeyNorm::kEachHead,
                               .norm_eps = c.rms_norm_eps}) {}
};

struct MLP : nn::GatedMLP {
  MLP(const Qwen3Config& c, int64_t) : GatedMLP(c.hidden_size, c.intermediate_size, c.hidden_act) {}
};

using Qwen3Model = nn::RotaryDecoder<Qwen3Config, nn::PreNormLayer<Attention, MLP>>;
using Qwen3ForCausalLM = nn::ForCausalLM<Qwen3Model>;
using Qwen3ForSequenceClassification = nn::ScoreAtLastToken<Qwen3Model>;
using Qwen3ForTokenClassification = nn::ForTokenClassification<Qwen3Model, "score">;
using Qwen3ForQuestionAnswering = nn::ForQuestionAnswering<Qwen3Model, "qa_outputs", "transformer">;

}  // namespace imago::qwen3

REGISTER_MODELS(qwen3, Qwen3Model, Qwen3ForCausalLM, Qwen3ForSequenceClassification, Qwen3ForTokenClassification,
                Qwen3ForQuestionAnswering)
