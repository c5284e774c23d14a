// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/gpt2/gpt2.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/models/gpt2/gpt2_heads.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"

namespace imago::gpt2 {

GPT2Config::GPT2Config() {
  bos_token_id = 50256;
  eos_token_id = {50256};
}

void GPT2Config::validate() const {
  if (n_head < 1 || n_embd % n_head != 0) {
    throw Error(ErrorKind::kInvalidFile, "config.json",
                fmt::format("n_embd {} does not split into n_head {} heads", n_embd, n_head));
  }
  if (add_cross_attention) {
    throw Error(ErrorKind::kUnsupported, "config.json", "add_cross_attention: GPT-2 as a decoder of another encoder");
  }
}

Attention::Attention(const GPT2Config& c, int64_t layer)
    : c_attn(c.n_embd, 3 * c.n_embd),
      c_proj(c.n_embd, c.n_embd),
      heads(c.n_head),
      layer_index(layer),
      scale(c.scale_attn_weights ? 1 / std::sqrt(static_cast<double>(c.n_embd / c.n_head)) : 1.0),
      upcast(c.reorder_and_upcast_attn) {
  if (c.scale_attn_by_inverse_layer_idx) scale /= static_cast<double>(layer + 1);
}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const int64_t hidden = x_BTD.size(2);
  const Tensor qkv = c_attn(x_BTD);
  Tensor q_BHTK = nn::split_heads(narrow(qkv, 2, 0, hidden), heads);
  Tensor k_BHTK = nn::split_heads(narrow(qkv, 2, hidden, hidden), heads);
  Tensor v_BHTK = nn::split_heads(narrow(qkv, 2, 2 * hidden, hidden), heads);
  if (context.cache != nullptr) {
    const KeysValues all = context.cache->append(layer_index, k_BHTK, v_BHTK);
    k_BHTK = all.keys;
    v_BHTK = all.values;
  }
  // Fused attention computes half types in float32 anyway; the reference, too, reads this option only when eager.
  if (upcast && context.is_eager()) {
    q_BHTK = widen(q_BHTK);
    k_BHTK = widen(k_BHTK);
  }
  return c_proj(nn::merge_heads(nn::attend(q_BHTK, k_BHTK, v_BHTK, context, {.scale = scale})));
}

MLP::MLP(const GPT2Config& c)
    : c_fc(c.n_embd, c.n_inner.value_or(4 * c.n_embd)),
      c_proj(c.n_inner.value_or(4 * c.n_embd), c.n_embd),
      activation(nn::activation(c.activation_function)) {}

Block::Block(const GPT2Config& c, int64_t layer)
    : ln_1(c.n_embd, c.layer_norm_epsilon), attn(c, layer), ln_2(c.n_embd, c.layer_norm_epsilon), mlp(c) {}

Tensor Block::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor h_BTD = attn(ln_1(x_BTD), context) + x_BTD;
  return h_BTD + mlp(ln_2(h_BTD));
}

GPT2Model::GPT2Model(const GPT2Config& c)
    : wte(c.vocab_size, c.n_embd), wpe(c.n_positions, c.n_embd), ln_f(c.n_embd, c.layer_norm_epsilon), config_(c) {
  for (int64_t layer = 0; layer < c.n_layer; ++layer) h.emplace_back(c, layer);
}

WeightMap GPT2Model::weight_map() const {
  using Action = WeightRule::Action;
  return {.base_model_prefix = kBaseModelPrefix,
          // The first implementation computed x W; its weights are [in, out].
          .rules = {{"*.c_attn.weight", "", Action::kTranspose},
                    {"*.c_proj.weight", "", Action::kTranspose},
                    {"*.c_fc.weight", "", Action::kTranspose}},
          // Causal masks that old checkpoints keep, and heads that another architecture has.
          .ignored = {"*.attn.bias", "*.attn.masked_bias", "lm_head.weight", "score.weight", "classifier.*",
                      "qa_outputs.*", "multiple_choice_head.*"},
          .tied = {}};
}

BaseModelOutput GPT2Model::forward(const TextInputs& in) const {
  BaseModelOutput out;
  Tensor x_BTD = nn::embeddings_or_lookup(in.inputs_embeds, in.input_ids, wte.weight);
  const int64_t batch = x_BTD.size(0), tokens = x_BTD.size(1);
  x_BTD = x_BTD + wpe(nn::learned_positions(in, tokens, config_.n_positions, "n_positions"));
  if (in.token_type_ids) x_BTD = x_BTD + wte(in.token_type_ids);
  const auto context = nn::causal_attention(in, batch, tokens, nn::wanted(in.output_attentions, out.attentions));
  for (const Block& block : h) {
    if (in.output_hidden_states) out.hidden_states.push_back(x_BTD);
    x_BTD = block(x_BTD, context);
  }
  out.last_hidden_state = ln_f(x_BTD);
  if (in.output_hidden_states) out.hidden_states.push_back(out.last_hidden_state);
  return out;
}

}  // namespace imago::gpt2

namespace imago {

void register_gpt2(Registry& registry) {
  using namespace gpt2;
  registry.add<GPT2Model>("GPT2Model", {"AutoModel"});
  registry.add<GPT2LMHeadModel>("GPT2LMHeadModel", {"AutoModelForCausalLM", "AutoModelForPreTraining"});
  registry.add<GPT2DoubleHeadsModel>("GPT2DoubleHeadsModel", {});
  registry.add<GPT2ForSequenceClassification>("GPT2ForSequenceClassification", {"AutoModelForSequenceClassification"});
  registry.add<nn::TokenClassifier<GPT2Model>>("GPT2ForTokenClassification", {"AutoModelForTokenClassification"});
  registry.add<nn::QuestionAnswerer<GPT2Model>>("GPT2ForQuestionAnswering", {"AutoModelForQuestionAnswering"});
}

}  // namespace imago
