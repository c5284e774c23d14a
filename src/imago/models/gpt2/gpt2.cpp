// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/gpt2/gpt2.h"

#include <cmath>

#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::gpt2 {
namespace {

// Part `index` of several of equal size side by side, as heads.
Tensor part(const Tensor& x, int64_t index, int64_t size, int64_t heads) {
  return nn::split_heads(narrow(x, 2, index * size, size), heads);
}

}  // namespace

GPT2Config::GPT2Config() {
  bos_token_id = 50256;
  eos_token_id = {50256};
}

Attention::Attention(const GPT2Config& c, int64_t layer_index, bool cross)
    : c_attn(c.n_embd, (cross ? 2 : 3) * c.n_embd),
      c_proj(c.n_embd, c.n_embd),
      heads(c.n_head),
      layer(layer_index),
      scale(c.scale_attn_weights ? 1 / std::sqrt(static_cast<double>(c.n_embd / c.n_head)) : 1.0),
      dropped(c.resid_pdrop),
      upcast(c.reorder_and_upcast_attn) {
  if (cross) q_attn = nn::Linear(c.n_embd, c.n_embd);
  if (c.scale_attn_by_inverse_layer_idx) scale /= static_cast<double>(layer + 1);
}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const int64_t hidden = x_BTD.size(2);
  const bool cross = q_attn.weight.defined();
  const Tensor qkv = cross ? q_attn(x_BTD) : c_attn(x_BTD);
  Tensor q_BHTK = part(qkv, 0, hidden, heads);
  KeysValues all = nn::keys_values(context, layer, x_BTD, [&](const Tensor& y) {
    const Tensor kv = cross ? c_attn(y) : narrow(qkv, 2, hidden, 2 * hidden);
    return KeysValues{part(kv, 0, hidden, heads), part(kv, 1, hidden, heads)};
  });
  // Fused attention computes half types in float32 anyway; the reference, too, reads this option only when eager.
  if (upcast && context.is_eager()) {
    q_BHTK = widen(q_BHTK);
    all.keys = widen(decode(all.keys));
  }
  return nn::dropout(c_proj(nn::merge_heads(nn::attend(q_BHTK, all, context, {.scale = scale}))), dropped);
}

Block::Block(const GPT2Config& c, int64_t layer)
    : ln_1(c.n_embd, c.layer_norm_epsilon),
      ln_2(c.n_embd, c.layer_norm_epsilon),
      attn(c, layer),
      mlp(c.n_embd, c.n_inner.value_or(4 * c.n_embd), c.activation_function, c.resid_pdrop) {
  if (!c.add_cross_attention) return;
  crossattention.emplace(c, layer, true);
  ln_cross_attn = nn::LayerNorm(c.n_embd, c.layer_norm_epsilon);
}

Tensor Block::operator()(const Tensor& x_BTD, const nn::DecoderContext& context) const {
  Tensor h_BTD = attn(ln_1(x_BTD), context.self) + x_BTD;
  if (context.has_encoder()) h_BTD = h_BTD + (*crossattention)(ln_cross_attn(h_BTD), context.cross);
  return h_BTD + mlp(ln_2(h_BTD));
}

GPT2Model::GPT2Model(const GPT2Config& c)
    : Backbone(c), wte(c.vocab_size, c.n_embd), wpe(c.n_positions, c.n_embd), ln_f(c.n_embd, c.layer_norm_epsilon) {
  for (int64_t layer = 0; layer < c.n_layer; ++layer) h.emplace_back(c, layer);
}

WeightMap GPT2Model::weight_map() const {
  using Action = WeightRule::Action;
  return {.base_model_prefix = "transformer",
          // The first implementation computed x W; its weights are [in, out].
          .rules = {{"*.c_attn.weight", "", Action::kTranspose},
                    {"*.q_attn.weight", "", Action::kTranspose},
                    {"*.c_proj.weight", "", Action::kTranspose},
                    {"*.c_fc.weight", "", Action::kTranspose}},
          // Causal masks that old checkpoints keep; and those without a prefix may have a head all the same.
          .ignored = {"*attn.bias", "*attn.masked_bias", "*crossattention.bias", "lm_head.weight"}};
}

BaseModelOutput GPT2Model::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, wte);
  x_BTD = x_BTD + nn::position_embeddings(in, x_BTD, wpe, "n_positions");
  if (in.token_type_ids) x_BTD = x_BTD + wte(in.token_type_ids);
  x_BTD = nn::dropout(x_BTD, config().embd_pdrop);
  const auto context = nn::decoder_attention(in, x_BTD, record, config().add_cross_attention);
  const nn::AttentionDropout attention_dropout(config().attn_pdrop);
  for (const Block& block : h) x_BTD = block(record(x_BTD), context);
  return record.finish(ln_f(x_BTD));
}

}  // namespace imago::gpt2

REGISTER_MODELS(gpt2, GPT2Model, GPT2LMHeadModel, GPT2DoubleHeadsModel, GPT2ForSequenceClassification,
                GPT2ForTokenClassification, GPT2ForQuestionAnswering)
