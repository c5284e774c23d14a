// GPT-J (Wang and Komatsuzaki 2021, "GPT-J-6B: A 6 Billion Parameter Autoregressive Language Model"). B batch, T
// tokens, D hidden, H heads, K head size.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/backbone.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/feed_forward.h"
#include "imago/nn/grouped_query_attention.h"
#include "imago/nn/heads/classification.h"
#include "imago/nn/heads/question_answering.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/rope/rope.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::gptj {

struct GPTJConfig : Config {
  static constexpr const char* kModelType = "gptj";
  int64_t vocab_size = 50400, n_positions = 2048, n_embd = 4096, n_layer = 28, n_head = 16;
  int64_t rotary_dim = 64;  // channels of a head that tell positions
  std::optional<int64_t> n_inner;
  std::string activation_function = "gelu_new";
  double layer_norm_epsilon = 1e-5, resid_pdrop = 0, embd_pdrop = 0, attn_pdrop = 0;
  // Of no effect, in published files: the first implementation's.
  JsonText rotary, scale_attn_weights, summary_type, summary_use_proj, summary_activation, summary_proj_to_labels;
  FIELDS_AND(Config, vocab_size, n_positions, n_embd, n_layer, n_head, rotary_dim, n_inner, activation_function,
             layer_norm_epsilon, resid_pdrop, embd_pdrop, attn_pdrop, rotary, scale_attn_weights, summary_type,
             summary_use_proj, summary_activation, summary_proj_to_labels)

  GPTJConfig() {
    tie_word_embeddings = false;
    bos_token_id = 50256;
    eos_token_id = {50256};
  }
  void validate() const override {
    require_heads("n_embd", n_embd, "n_head", n_head);
    if (rotary_dim >= 2 && rotary_dim % 2 == 0 && rotary_dim <= n_embd / n_head) return;
    throw Error(ErrorKind::kInvalidFile, "config.json",
                fmt::format("rotary_dim {} is no even part of a head of {} channels", rotary_dim, n_embd / n_head));
  }
};

struct Attention : Module {
  nn::Linear k_proj, v_proj, q_proj, out_proj;
  FIELDS(k_proj, v_proj, q_proj, out_proj)

  Attention(const GPTJConfig& c, int64_t layer_index)
      : k_proj(c.n_embd, c.n_embd, false),
        v_proj(c.n_embd, c.n_embd, false),
        q_proj(c.n_embd, c.n_embd, false),
        out_proj(c.n_embd, c.n_embd, false),
        heads(c.n_head),
        layer(layer_index),
        dropped(c.resid_pdrop) {}
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    const auto turned = [&](const Tensor& x) {
      return rope(nn::split_heads(x, heads), context.angles.cos, context.angles.sin, RotaryPairs::kInterleaved,
                  2 * context.angles.cos.size(-1));
    };
    Tensor q_BHTK = turned(q_proj(x_BTD));
    KeysValues all = nn::keys_values(context.attention, layer, x_BTD, [&](const Tensor& x) {
      return KeysValues{turned(k_proj(x)), nn::split_heads(v_proj(x), heads)};
    });
    // Scores are of float32, which fused attention computes anyway.
    if (context.attention.is_eager()) {
      q_BHTK = widen(q_BHTK);
      all.keys = widen(decode(all.keys));
    }
    return nn::dropout(out_proj(nn::merge_heads(nn::attend(q_BHTK, all, context.attention))), dropped);
  }

  int64_t heads, layer;
  double dropped;
};

// Both parts read the same normalised input, side by side.
struct Block : Module {
  nn::LayerNorm ln_1;
  Attention attn;
  nn::FeedForward<"fc_in", "fc_out"> mlp;
  FIELDS(ln_1, attn, mlp)

  Block(const GPTJConfig& c, int64_t layer)
      : ln_1(c.n_embd, c.layer_norm_epsilon),
        attn(c, layer),
        mlp(c.n_embd, c.n_inner.value_or(4 * c.n_embd), c.activation_function, c.resid_pdrop) {}
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    const Tensor normalised = ln_1(x_BTD), attended = attn(normalised, context);
    return attended + mlp(normalised) + x_BTD;
  }
};

struct GPTJModel : nn::Backbone<GPTJConfig> {
  static constexpr nn::FieldName kBaseModelPrefix = "transformer";
  static constexpr const char* kInputEmbeddings = "wte.weight";
  nn::Embedding wte;
  std::vector<Block> h;
  nn::LayerNorm ln_f;
  FIELDS(wte, h, ln_f)

  explicit GPTJModel(const GPTJConfig& c)
      : Backbone(c),
        wte(c.vocab_size, c.n_embd),
        ln_f(c.n_embd, c.layer_norm_epsilon),
        rotary({.head_dim = c.rotary_dim, .max_position_embeddings = c.n_positions}) {
    for (int64_t layer = 0; layer < c.n_layer; ++layer) h.emplace_back(c, layer);
  }
  WeightMap weight_map() const override {  // causal masks that old checkpoints keep
    return {.base_model_prefix = "transformer", .ignored = {"*attn.bias", "*attn.masked_bias"}};
  }

  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = nn::embed(in, wte);
    const nn::RotaryContext context{rotary(nn::position_ids(in, x_BTD), x_BTD.dtype()),
                                    nn::causal_attention(in, x_BTD, record)};
    if (in.token_type_ids) x_BTD = x_BTD + wte(in.token_type_ids);
    x_BTD = nn::dropout(x_BTD, config().embd_pdrop);
    const nn::AttentionDropout attention_dropout(config().attn_pdrop);
    for (const Block& block : h) x_BTD = block(record(x_BTD), context);
    return record.finish(ln_f(x_BTD));
  }

  nn::Rotary rotary;
};

struct LMHead : nn::LMHead {
  explicit LMHead(const GPTJConfig& c) : nn::LMHead(c) { bias = parameter({c.vocab_size}); }
};

using GPTJForCausalLM = nn::ForCausalLM<GPTJModel, LMHead>;
using GPTJForSequenceClassification = nn::ScoreAtLastToken<GPTJModel>;
using GPTJForQuestionAnswering = nn::ForQuestionAnswering<GPTJModel>;

}  // namespace imago::gptj

REGISTER_MODELS(gptj, GPTJModel, GPTJForCausalLM, GPTJForSequenceClassification, GPTJForQuestionAnswering)
