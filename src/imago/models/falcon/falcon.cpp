// Falcon (Almazrouei et al. 2023, "The Falcon Series of Open Language Models"). B batch, T tokens, D hidden.
#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/alibi.h"
#include "imago/nn/backbone.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/feed_forward.h"
#include "imago/nn/fused_attention.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::falcon {

struct FalconConfig : Config {
  static constexpr const char* kModelType = "falcon";
  int64_t vocab_size = 65024, hidden_size = 4544, num_hidden_layers = 32, num_attention_heads = 71;
  std::optional<int64_t> n_embed;  // another name of hidden_size
  std::optional<int64_t> num_kv_heads, ffn_hidden_size, num_ln_in_parallel_attn;
  bool new_decoder_architecture = false, multi_query = true, parallel_attn = true, bias = false, alibi = false;
  std::string activation = "gelu";
  int64_t max_position_embeddings = 2048;
  double layer_norm_epsilon = 1e-5, hidden_dropout = 0, attention_dropout = 0;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  JsonText apply_residual_connection_post_layernorm, ff_factor;  // of no effect, in published files
  FIELDS_AND(Config, vocab_size, hidden_size, num_hidden_layers, num_attention_heads, n_embed, num_kv_heads,
             ffn_hidden_size, num_ln_in_parallel_attn, new_decoder_architecture, multi_query, parallel_attn, bias,
             alibi, activation, max_position_embeddings, layer_norm_epsilon, hidden_dropout, attention_dropout,
             rope_theta, rope_parameters, rope_scaling, apply_residual_connection_post_layernorm, ff_factor)

  FalconConfig() {
    bos_token_id = 11;
    eos_token_id = {11};
  }
  void validate() const override {
    require_heads("hidden_size", output_size(), "num_attention_heads", num_attention_heads);
    require_heads("num_attention_heads", num_attention_heads, "num_kv_heads", groups());
    const int64_t norms = num_ln_in_parallel_attn.value_or(new_decoder_architecture ? 2 : 1);
    if (new_decoder_architecture ? parallel_attn && (norms == 1 || norms == 2) : !parallel_attn || norms != 2) return;
    throw Error(ErrorKind::kUnsupported, "config.json",
                fmt::format("num_ln_in_parallel_attn {} with new_decoder_architecture {} and parallel_attn {}", norms,
                            new_decoder_architecture, parallel_attn),
                "layers have two norms only with new_decoder_architecture, which goes with parallel_attn");
  }
  int64_t output_size() const { return n_embed.value_or(hidden_size); }
  int64_t head_size() const { return output_size() / num_attention_heads; }
  // Heads of keys and values, each with as many of the queries.
  int64_t groups() const {
    if (new_decoder_architecture) return num_kv_heads.value_or(num_attention_heads);
    return multi_query ? 1 : num_attention_heads;
  }
  nn::LayerNorm norm() const { return {output_size(), layer_norm_epsilon}; }
  bool has_two_norms() const { return new_decoder_architecture && num_ln_in_parallel_attn.value_or(2) == 2; }
};

// Distances as what each head adds to its scores; the reference's slopes are rounded to bfloat16.
void tell_distances(nn::AttentionContext& context, const TextInputs& in, const Tensor& x_BTD, const FalconConfig& c) {
  const bool eager = context.is_eager();
  nn::tell_distances(context, in, x_BTD, c.num_attention_heads, DType::bf16);
  // When eager, the reference adds the bias to the scores and once more with the mask.
  context.mask.bias = context.mask.bias / std::sqrt(static_cast<double>(c.head_size()));
  if (eager) context.mask.bias = context.mask.bias + context.mask.bias;
}

// Both parts side by side, reading the same normalised input or one each; or, without parallel_attn, in turn.
struct DecoderLayer : Module {
  nn::LayerNorm input_layernorm, post_attention_layernorm, ln_attn, ln_mlp;
  nn::FusedAttention self_attention;
  nn::FeedForward<"dense_h_to_4h", "dense_4h_to_h"> mlp;
  FIELDS(input_layernorm, post_attention_layernorm, ln_attn, ln_mlp, self_attention, mlp)

  DecoderLayer(const FalconConfig& c, int64_t layer)
      : self_attention({.hidden_size = c.output_size(),
                        .heads = c.num_attention_heads,
                        .groups = c.groups(),
                        .layer = layer,
                        .bias = c.bias}),
        mlp(c.output_size(), c.ffn_hidden_size.value_or(4 * c.output_size()), c.activation, 0, c.bias),
        parallel(c.parallel_attn),
        two_norms(c.has_two_norms()),
        dropped(c.hidden_dropout),
        between(c.attention_dropout) {
    if (two_norms) {
      ln_attn = c.norm();
      ln_mlp = c.norm();
    } else {
      input_layernorm = c.norm();
      if (!parallel) post_attention_layernorm = c.norm();
    }
  }
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    const Tensor normalised = two_norms ? ln_attn(x_BTD) : input_layernorm(x_BTD);
    const Tensor attended = self_attention(normalised, context);
    if (parallel) return nn::dropout(mlp(two_norms ? ln_mlp(x_BTD) : normalised) + attended, dropped) + x_BTD;
    const Tensor h_BTD = nn::dropout(attended, between) + x_BTD;
    return nn::dropout(mlp(post_attention_layernorm(h_BTD)), dropped) + h_BTD;
  }

  bool parallel, two_norms;
  double dropped, between;  // of what is added last, and of attention before the other part
};

struct FalconModel : nn::Backbone<FalconConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "transformer";
  static constexpr const char* kInputEmbeddings = "word_embeddings.weight";
  nn::Embedding word_embeddings;
  std::vector<DecoderLayer> h;
  nn::LayerNorm ln_f;
  FIELDS(word_embeddings, h, ln_f)

  explicit FalconModel(const FalconConfig& c)
      : Backbone(c),
        word_embeddings(c.vocab_size, c.output_size()),
        ln_f(c.norm()),
        rotary_(nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rope_theta, c.head_size(),
                                       c.max_position_embeddings)) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) h.emplace_back(c, layer);
  }
  WeightMap weight_map() const override {
    return {.base_model_prefix = "transformer", .ignored = {"*rotary_emb.inv_freq"}};
  }
  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = nn::embed(in, word_embeddings);
    nn::RotaryContext context{{}, nn::causal_attention(in, x_BTD, record)};
    if (config().alibi) {
      tell_distances(context.attention, in, x_BTD, config());
    } else {
      context.angles = rotary_(nn::position_ids(in, x_BTD), x_BTD.dtype());
    }
    // The reference drops no weights of attention with rotary positions.
    const nn::AttentionDropout attention_dropout(config().alibi ? config().attention_dropout : 0);
    for (const DecoderLayer& layer : h) x_BTD = layer(record(x_BTD), context);
    return record.finish(ln_f(x_BTD));
  }

 private:
  nn::Rotary rotary_;
};

using FalconForCausalLM = nn::ForCausalLM<FalconModel>;
using FalconForSequenceClassification = nn::ScoreAtLastToken<FalconModel>;
using FalconForTokenClassification = nn::ForTokenClassification<FalconModel>;
using FalconForQuestionAnswering = nn::ForQuestionAnswering<FalconModel>;

}  // namespace imago::falcon

REGISTER_MODELS(falcon, FalconModel, FalconForCausalLM, FalconForSequenceClassification, FalconForTokenClassification,
                FalconForQuestionAnswering)
