// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/gptj/gptj.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/rope/rope.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::gptj {

GPTJConfig::GPTJConfig() {
  tie_word_embeddings = false;
  bos_token_id = 50256;
  eos_token_id = {50256};
}

void GPTJConfig::validate() const {
  require_heads("n_embd", n_embd, "n_head", n_head);
  if (rotary_dim >= 2 && rotary_dim % 2 == 0 && rotary_dim <= n_embd / n_head) return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              fmt::format("rotary_dim {} is no even part of a head of {} channels", rotary_dim, n_embd / n_head));
}

Attention::Attention(const GPTJConfig& c, int64_t layer_index)
    : k_proj(c.n_embd, c.n_embd, false),
      v_proj(c.n_embd, c.n_embd, false),
      q_proj(c.n_embd, c.n_embd, false),
      out_proj(c.n_embd, c.n_embd, false),
      heads(c.n_head),
      layer(layer_index) {}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
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
  return out_proj(nn::merge_heads(nn::attend(q_BHTK, all, context.attention)));
}

MLP::MLP(const GPTJConfig& c)
    : fc_in(c.n_embd, c.n_inner.value_or(4 * c.n_embd)),
      fc_out(c.n_inner.value_or(4 * c.n_embd), c.n_embd),
      activation(nn::activation(c.activation_function)) {}

Block::Block(const GPTJConfig& c, int64_t layer) : ln_1(c.n_embd, c.layer_norm_epsilon), attn(c, layer), mlp(c) {}

Tensor Block::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  const Tensor normalised = ln_1(x_BTD);
  return attn(normalised, context) + mlp(normalised) + x_BTD;
}

GPTJModel::GPTJModel(const GPTJConfig& c)
    : Backbone(c),
      wte(c.vocab_size, c.n_embd),
      ln_f(c.n_embd, c.layer_norm_epsilon),
      rotary_({.head_dim = c.rotary_dim, .max_position_embeddings = c.n_positions}) {
  for (int64_t layer = 0; layer < c.n_layer; ++layer) h.emplace_back(c, layer);
}

WeightMap GPTJModel::weight_map() const {
  // Causal masks that old checkpoints keep.
  return {.base_model_prefix = "transformer", .ignored = {"*attn.bias", "*attn.masked_bias"}};
}

BaseModelOutput GPTJModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, wte);
  const nn::RotaryContext context{rotary_(nn::position_ids(in, x_BTD), x_BTD.dtype()),
                                  nn::causal_attention(in, x_BTD, record)};
  if (in.token_type_ids) x_BTD = x_BTD + wte(in.token_type_ids);
  for (const Block& block : h) x_BTD = block(record(x_BTD), context);
  return record.finish(ln_f(x_BTD));
}

}  // namespace imago::gptj

REGISTER_MODELS(gptj, GPTJModel, GPTJForCausalLM, GPTJForSequenceClassification, GPTJForQuestionAnswering)
