// Mistral (Jiang et al. 2023, "Mistral 7B").
#include "imago/nn/gated_mlp.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"
#include "imago/nn/rotary_decoder.h"

namespace imago::mistral {

struct MistralConfig : Config {
  static constexpr const char* kModelType = "mistral";
  int64_t vocab_size = 32000, hidden_size = 4096, intermediate_size = 14336;
  int64_t num_hidden_layers = 32, num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads = 8, head_dim, sliding_window = 4096;
  std::string hidden_act = "silu";
  int64_t max_position_embeddings = 131072;
  double rms_norm_eps = 1e-6;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  double attention_dropout = 0;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, sliding_window, hidden_act, max_position_embeddings, rms_norm_eps,
             rope_theta, rope_parameters, rope_scaling, attention_dropout)

  MistralConfig() {
    tie_word_embeddings = false;
    bos_token_id = 1;
    eos_token_id = {2};
  }
  void validate() const override {
    require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  }
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
};

// Every layer sees a window of positions; deeper ones see farther through those below.
struct Attention : nn::GroupedQueryAttention<> {
  Attention(const MistralConfig& c, int64_t layer)
      : GroupedQueryAttention({.hidden_size = c.hidden_size,
                               .heads = c.num_attention_heads,
                               .key_value_heads = c.key_value_heads(),
                               .head_size = c.head_size(),
                               .layer = layer,
                               .window = nn::layer_window({}, layer, c.sliding_window, true)}) {}
};

struct MLP : nn::GatedMLP {
  MLP(const MistralConfig& c, int64_t) : GatedMLP(c.hidden_size, c.intermediate_size, c.hidden_act) {}
};

using MistralModel = nn::RotaryDecoder<MistralConfig, nn::PreNormLayer<Attention, MLP>>;
using MistralForCausalLM = nn::ForCausalLM<MistralModel>;
using MistralForSequenceClassification = nn::ScoreAtLastToken<MistralModel>;
using MistralForTokenClassification = nn::ForTokenClassification<MistralModel, "score">;
using MistralForQuestionAnswering = nn::ForQuestionAnswering<MistralModel>;

}  // namespace imago::mistral

REGISTER_MODELS(mistral, MistralModel, MistralForCausalLM, MistralForSequenceClassification,
                MistralForTokenClassification, MistralForQuestionAnswering)
