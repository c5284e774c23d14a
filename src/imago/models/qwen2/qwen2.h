// Qwen2 (Yang et al. 2024, "Qwen2 Technical Report").
#pragma once

#include "imago/nn/gated_mlp.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::qwen2 {

struct Qwen2Config : Config {
  static constexpr const char* kModelType = "qwen2";
  int64_t vocab_size = 151936, hidden_size = 4096, intermediate_size = 22016;
  int64_t num_hidden_layers = 32, num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads = 32, head_dim;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 32768;
  double rms_norm_eps = 1e-6;
  bool use_sliding_window = false;
  std::optional<int64_t> sliding_window = 4096;
  int64_t max_window_layers = 28;
  std::optional<std::vector<std::string>> layer_types;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_act, max_position_embeddings, rms_norm_eps, use_sliding_window,
             sliding_window, max_window_layers, layer_types, rope_theta, rope_parameters, rope_scaling,
             attention_dropout)

  Qwen2Config() { tie_word_embeddings = false; }
  void validate() const override;
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
  // The layers from max_window_layers on have it, unless layer_types says otherwise.
  std::optional<int64_t> window(int64_t layer) const;
};

// Llama's, with biases where queries, keys and values are made.
struct Attention : nn::GroupedQueryAttention<> {
  Attention(const Qwen2Config& c, int64_t layer);
};

struct MLP : nn::GatedMLP {
  MLP(const Qwen2Config& c, int64_t) : GatedMLP(c.hidden_size, c.intermediate_size, c.hidden_act) {}
};

using Qwen2Model = nn::RotaryDecoder<Qwen2Config, nn::PreNormLayer<Attention, MLP>>;
using Qwen2ForCausalLM = nn::ForCausalLM<Qwen2Model>;
using Qwen2ForSequenceClassification = nn::ScoreAtLastToken<Qwen2Model>;
using Qwen2ForTokenClassification = nn::ForTokenClassification<Qwen2Model, "score">;
using Qwen2ForQuestionAnswering = nn::ForQuestionAnswering<Qwen2Model, "qa_outputs", "transformer">;

}  // namespace imago::qwen2
