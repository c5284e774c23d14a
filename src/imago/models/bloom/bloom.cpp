// BLOOM (BigScience Workshop 2022, "BLOOM: A 176B-Parameter Open-Access Multilingual Language Model"). B batch, T
// tokens, D hidden.
#include "imago/base/error.h"
#include "imago/nn/alibi.h"
#include "imago/nn/backbone.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/feed_forward.h"
#include "imago/nn/fused_attention.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::bloom {

struct BloomConfig : Config {
  static constexpr const char* kModelType = "bloom";
  int64_t vocab_size = 250880, hidden_size = 64, n_layer = 2, n_head = 8;
  std::optional<int64_t> n_embed, num_hidden_layers, num_attention_heads;  // other names of the last three
  double layer_norm_epsilon = 1e-5, hidden_dropout = 0, attention_dropout = 0;
  bool apply_residual_connection_post_layernorm = false, slow_but_exact = false;
  int64_t pretraining_tp = 1;
  // Of no effect, in published files: the training code's.
  JsonText n_inner, seq_length, offset_alibi, skip_bias_add, skip_bias_add_qkv, bias_dropout_fusion,
      masked_softmax_fusion, attention_softmax_in_fp32;
  FIELDS_AND(Config, vocab_size, hidden_size, n_layer, n_head, n_embed, num_hidden_layers, num_attention_heads,
             layer_norm_epsilon, hidden_dropout, attention_dropout, apply_residual_connection_post_layernorm,
             slow_but_exact, pretraining_tp, n_inner, seq_length, offset_alibi, skip_bias_add, skip_bias_add_qkv,
             bias_dropout_fusion, masked_softmax_fusion, attention_softmax_in_fp32)

  BloomConfig() {
    bos_token_id = 1;
    eos_token_id = {2};
  }
  void validate() const override {
    require_heads("hidden_size", output_size(), "n_head", heads());
    if (!slow_but_exact || pretraining_tp <= 1) return;
    throw Error(ErrorKind::kUnsupported, "config.json", "slow_but_exact with pretraining_tp above 1",
                "set slow_but_exact to false: it adds the same products in another order");
  }
  int64_t output_size() const { return n_embed.value_or(hidden_size); }
  int64_t layers() const { return num_hidden_layers.value_or(n_layer); }
  int64_t heads() const { return num_attention_heads.value_or(n_head); }
  nn::LayerNorm norm() const { return {output_size(), layer_norm_epsilon}; }
};

struct Block : Module {
  nn::LayerNorm input_layernorm, post_attention_layernorm;
  nn::FusedAttention self_attention;
  nn::FeedForward<"dense_h_to_4h", "dense_4h_to_h"> mlp;
  FIELDS(input_layernorm, self_attention, post_attention_layernorm, mlp)

  Block(const BloomConfig& c, int64_t layer)
      : input_layernorm(c.norm()),
        post_attention_layernorm(c.norm()),
        self_attention({.hidden_size = c.output_size(), .heads = c.heads(), .layer = layer}),
        mlp(c.output_size(), 4 * c.output_size(), "gelu_pytorch_tanh", c.hidden_dropout),
        residual_after_norm(c.apply_residual_connection_post_layernorm),
        dropped(c.hidden_dropout) {}
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    const Tensor normed = input_layernorm(x_BTD);
    const Tensor h_BTD = nn::dropout(self_attention(normed, context), dropped) + (residual_after_norm ? normed : x_BTD);
    const Tensor normed_h = post_attention_layernorm(h_BTD);
    return mlp(normed_h) + (residual_after_norm ? normed_h : h_BTD);
  }

  bool residual_after_norm;
  double dropped;
};

struct BloomModel : nn::Backbone<BloomConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "transformer";
  static constexpr const char* kInputEmbeddings = "word_embeddings.weight";
  nn::Embedding word_embeddings;
  nn::LayerNorm word_embeddings_layernorm;
  std::vector<Block> h;
  nn::LayerNorm ln_f;
  FIELDS(word_embeddings, word_embeddings_layernorm, h, ln_f)

  explicit BloomModel(const BloomConfig& c)
      : Backbone(c),
        word_embeddings(c.vocab_size, c.output_size()),
        word_embeddings_layernorm(c.norm()),
        ln_f(c.norm()) {
    for (int64_t layer = 0; layer < c.layers(); ++layer) h.emplace_back(c, layer);
  }
  // Published checkpoints have no prefix but may have a head all the same.
  WeightMap weight_map() const override { return {.base_model_prefix = "transformer", .ignored = {"lm_head.weight"}}; }

  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = word_embeddings_layernorm(nn::embed(in, word_embeddings));
    nn::RotaryContext context{{}, nn::causal_attention(in, x_BTD, record)};
    const DType slopes = x_BTD.dtype() == DType::f64 ? DType::f64 : DType::f32;
    nn::tell_distances(context.attention, in, x_BTD, config().heads(), slopes);
    const nn::AttentionDropout attention_dropout(config().attention_dropout);
    for (const Block& block : h) x_BTD = block(record(x_BTD), context);
    return record.finish(ln_f(x_BTD));
  }
};

using BloomForCausalLM = nn::AlsoServes<nn::ForCausalLM<BloomModel>, "AutoModelForPreTraining">;
using BloomForSequenceClassification = nn::ScoreAtLastToken<BloomModel>;
using BloomForTokenClassification = nn::ForTokenClassification<BloomModel>;
using BloomForQuestionAnswering = nn::ForQuestionAnswering<BloomModel>;

}  // namespace imago::bloom

REGISTER_MODELS(bloom, BloomModel, BloomForCausalLM, BloomForSequenceClassification, BloomForTokenClassification,
                BloomForQuestionAnswering)
