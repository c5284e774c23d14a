// Gemma 2 (Gemma Team 2024, "Gemma 2: Improving Open Language Models at a Practical Size"). B batch, T tokens, D
// hidden.
#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/backbone.h"
#include "imago/nn/dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/gated_mlp.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/softcapped_language_model.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"
#include "imago/nn/sandwich_norm_layer.h"
#include "imago/nn/zero_centered_rms_norm.h"

namespace imago::gemma2 {

struct Gemma2Config : Config {
  static constexpr const char* kModelType = "gemma2";
  int64_t vocab_size = 256000, hidden_size = 2304, intermediate_size = 9216;
  int64_t num_hidden_layers = 26, num_attention_heads = 8, num_key_value_heads = 4, head_dim = 256;
  std::string hidden_activation = "gelu_pytorch_tanh";
  int64_t max_position_embeddings = 8192;
  double rms_norm_eps = 1e-6, attention_dropout = 0;
  bool attention_bias = false;
  int64_t query_pre_attn_scalar = 256;  // the scores' divisor, squared
  std::optional<int64_t> sliding_window = 4096;
  std::optional<std::vector<std::string>> layer_types;
  std::optional<double> final_logit_softcapping = 30, attn_logit_softcapping = 50;
  std::optional<bool> use_bidirectional_attention;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  std::optional<std::string> hidden_act, cache_implementation;  // of no effect, in published files
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_activation, max_position_embeddings, rms_norm_eps, attention_dropout,
             attention_bias, query_pre_attn_scalar, sliding_window, layer_types, final_logit_softcapping,
             attn_logit_softcapping, use_bidirectional_attention, rope_theta, rope_parameters, rope_scaling, hidden_act,
             cache_implementation)

  Gemma2Config() {
    pad_token_id = 0;
    eos_token_id = {1};
    bos_token_id = 2;
  }
  void validate() const override {
    require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", num_key_value_heads);
    if (query_pre_attn_scalar < 1)
      throw Error(ErrorKind::kInvalidFile, "config.json", "query_pre_attn_scalar is not positive");
    if (use_bidirectional_attention.value_or(false))
      throw Error(ErrorKind::kUnsupported, "config.json",
                  "use_bidirectional_attention of a gemma2 model is not computed");
  }
};

// Every other layer, from the first, sees a window only; scores are capped.
struct Attention : nn::GroupedQueryAttention<> {
  Attention(const Gemma2Config& c, int64_t layer)
      : GroupedQueryAttention({.hidden_size = c.hidden_size,
                               .heads = c.num_attention_heads,
                               .key_value_heads = c.num_key_value_heads,
                               .head_size = c.head_dim,
                               .layer = layer,
                               .bias = c.attention_bias,
                               .output_bias = c.attention_bias,
                               .window = nn::layer_window(c.layer_types, layer, c.sliding_window, layer % 2 == 0),
                               .scale = 1 / std::sqrt(static_cast<double>(c.query_pre_attn_scalar)),
                               .softcap = c.attn_logit_softcapping.value_or(0)}) {}
};

struct MLP : nn::GatedMLP {
  MLP(const Gemma2Config& c, int64_t) : GatedMLP(c.hidden_size, c.intermediate_size, c.hidden_activation) {}
};

using DecoderLayer = nn::SandwichNormLayer<Attention, MLP, nn::ZeroCenteredRMSNorm>;

struct Gemma2Model : nn::Backbone<Gemma2Config> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embed_tokens.weight";
  nn::Embedding embed_tokens;
  std::vector<DecoderLayer> layers;
  nn::ZeroCenteredRMSNorm norm;
  FIELDS(embed_tokens, layers, norm)

  explicit Gemma2Model(const Gemma2Config& c)
      : Backbone(c),
        embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
        norm(c.hidden_size, c.rms_norm_eps),
        rotary_(nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rope_theta, c.head_dim,
                                       c.max_position_embeddings)) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
  }
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = nn::embed(in, embed_tokens);
    if (in.input_ids) x_BTD = x_BTD * std::sqrt(static_cast<double>(config().hidden_size));
    const nn::RotaryContext context{rotary_(nn::position_ids(in, x_BTD), x_BTD.dtype()),
                                    nn::causal_attention(in, x_BTD, record)};
    const nn::AttentionDropout attention_dropout(config().attention_dropout);
    for (const DecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), context);
    return record.finish(norm(x_BTD));
  }

 private:
  nn::Rotary rotary_;
};

using Gemma2ForCausalLM = nn::ForCausalLM<Gemma2Model, nn::SoftcappedLMHead>;
using Gemma2ForSequenceClassification = nn::ScoreAtLastToken<Gemma2Model>;
using Gemma2ForTokenClassification = nn::ForTokenClassification<Gemma2Model, "score">;

}  // namespace imago::gemma2

REGISTER_MODELS(gemma2, Gemma2Model, Gemma2ForCausalLM, Gemma2ForSequenceClassification, Gemma2ForTokenClassification)
