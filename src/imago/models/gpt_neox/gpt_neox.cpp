// GPT-NeoX (Black et al. 2022, "GPT-NeoX-20B: An Open-Source Autoregressive Language Model"). B batch, T tokens, D
// hidden.
#include "imago/nn/backbone.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/feed_forward.h"
#include "imago/nn/fused_attention.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::gpt_neox {

struct GPTNeoXConfig : Config, nn::DropsBeforeHead {
  static constexpr const char* kModelType = "gpt_neox";
  int64_t vocab_size = 50432, hidden_size = 6144, intermediate_size = 24576;
  int64_t num_hidden_layers = 44, num_attention_heads = 64;
  std::string hidden_act = "gelu";
  int64_t max_position_embeddings = 2048;
  double layer_norm_eps = 1e-5, hidden_dropout = 0, attention_dropout = 0, classifier_dropout = 0.1;
  bool use_parallel_residual = true, attention_bias = true;
  bool is_decoder = false;  // of no effect: it always is one
  std::optional<double> rotary_pct, rotary_emb_base;
  JsonText rope_parameters, rope_scaling;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, hidden_act,
             max_position_embeddings, layer_norm_eps, hidden_dropout, attention_dropout, classifier_dropout,
             use_parallel_residual, attention_bias, is_decoder, rotary_pct, rotary_emb_base, rope_parameters,
             rope_scaling)

  GPTNeoXConfig() {
    tie_word_embeddings = false;
    bos_token_id = 0;
    eos_token_id = {2};
  }
  void validate() const override {
    require_heads("hidden_size", hidden_size, "num_attention_heads", num_attention_heads);
  }
  double head_dropout() const override { return 0; }
  double token_dropout() const override { return classifier_dropout; }
};

// Both parts side by side, or one behind the other.
struct Layer : Module {
  nn::LayerNorm input_layernorm, post_attention_layernorm;
  nn::FusedAttention attention;  // the first channels of a head tell positions
  nn::FeedForward<"dense_h_to_4h", "dense_4h_to_h"> mlp;
  FIELDS(input_layernorm, post_attention_layernorm, attention, mlp)

  Layer(const GPTNeoXConfig& c, int64_t layer)
      : input_layernorm(c.hidden_size, c.layer_norm_eps),
        post_attention_layernorm(c.hidden_size, c.layer_norm_eps),
        attention(
            {.hidden_size = c.hidden_size, .heads = c.num_attention_heads, .layer = layer, .bias = c.attention_bias}),
        mlp(c.hidden_size, c.intermediate_size, c.hidden_act, c.hidden_dropout),
        parallel_residual(c.use_parallel_residual),
        dropped(c.hidden_dropout) {}
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    const Tensor attended = nn::dropout(attention(input_layernorm(x_BTD), context), dropped);
    if (parallel_residual) return mlp(post_attention_layernorm(x_BTD)) + attended + x_BTD;
    const Tensor h_BTD = attended + x_BTD;
    return mlp(post_attention_layernorm(h_BTD)) + h_BTD;
  }

  bool parallel_residual;
  double dropped;
};

struct GPTNeoXModel : nn::Backbone<GPTNeoXConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "gpt_neox";
  static constexpr const char* kInputEmbeddings = "embed_in.weight";
  nn::Embedding embed_in;
  std::vector<Layer> layers;
  nn::LayerNorm final_layer_norm;
  FIELDS(embed_in, layers, final_layer_norm)

  explicit GPTNeoXModel(const GPTNeoXConfig& c)
      : Backbone(c),
        embed_in(c.vocab_size, c.hidden_size),
        final_layer_norm(c.hidden_size, c.layer_norm_eps),
        rotary(nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rotary_emb_base,
                                      c.hidden_size / c.num_attention_heads, c.max_position_embeddings,
                                      c.rotary_pct.value_or(0.25))) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
  }
  WeightMap weight_map() const override {
    return {.base_model_prefix = "gpt_neox",
            .rules = {{"embed_out.weight", "lm_head.weight"}},
            // What follows from config.json: masks and frequencies.
            .ignored = {"*attention.bias", "*attention.masked_bias", "*rotary_emb.inv_freq"}};
  }

  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = nn::dropout(nn::embed(in, embed_in), config().hidden_dropout);
    const nn::RotaryContext context{rotary(nn::position_ids(in, x_BTD), x_BTD.dtype()),
                                    nn::causal_attention(in, x_BTD, record)};
    const nn::AttentionDropout attention_dropout(config().attention_dropout);
    for (const Layer& layer : layers) x_BTD = layer(record(x_BTD), context);
    return record.finish(final_layer_norm(x_BTD));
  }

  nn::Rotary rotary;
};

using GPTNeoXForCausalLM = nn::ForCausalLM<GPTNeoXModel>;
using GPTNeoXForSequenceClassification = nn::ScoreAtLastToken<GPTNeoXModel>;
using GPTNeoXForTokenClassification = nn::ForTokenClassification<GPTNeoXModel>;
using GPTNeoXForQuestionAnswering = nn::ForQuestionAnswering<GPTNeoXModel>;

}  // namespace imago::gpt_neox

REGISTER_MODELS(gpt_neox, GPTNeoXModel, GPTNeoXForCausalLM, GPTNeoXForSequenceClassification,
                GPTNeoXForTokenClassification, GPTNeoXForQuestionAnswering)
