// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/bloom/bloom.h"

#include "imago/base/error.h"
#include "imago/nn/alibi.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/gelu/gelu.h"
#include "imago/ops/operators.h"
#include "imago/ops/slice/slice.h"

namespace imago::bloom {

BloomConfig::BloomConfig() {
  bos_token_id = 1;
  eos_token_id = {2};
}

void BloomConfig::validate() const {
  require_heads("hidden_size", output_size(), "n_head", heads());
  if (!slow_but_exact || pretraining_tp <= 1) return;
  throw Error(ErrorKind::kUnsupported, "config.json", "slow_but_exact with pretraining_tp above 1",
              "set slow_but_exact to false: it adds the same products in another order");
}

Attention::Attention(const BloomConfig& c, int64_t layer_index)
    : query_key_value(c.output_size(), 3 * c.output_size()),
      dense(c.output_size(), c.output_size()),
      heads(c.heads()),
      layer(layer_index) {}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor all_heads = nn::split_heads(query_key_value(x_BTD), heads);  // [B, H, T, 3 K]
  const int64_t size = all_heads.size(3) / 3;
  const auto part = [&](int64_t index) { return narrow(all_heads, 3, index * size, size); };
  const KeysValues all = nn::keys_values(context, layer, x_BTD, [&](const Tensor&) {
    return KeysValues{part(1), part(2)};
  });
  return dense(nn::merge_heads(nn::attend(part(0), all, context)));
}

MLP::MLP(const BloomConfig& c)
    : dense_h_to_4h(c.output_size(), 4 * c.output_size()), dense_4h_to_h(4 * c.output_size(), c.output_size()) {}

Tensor MLP::operator()(const Tensor& x_BTD) const { return dense_4h_to_h(gelu(dense_h_to_4h(x_BTD), "tanh")); }

Block::Block(const BloomConfig& c, int64_t layer)
    : input_layernorm(c.output_size(), c.layer_norm_epsilon),
      post_attention_layernorm(c.output_size(), c.layer_norm_epsilon),
      self_attention(c, layer),
      mlp(c),
      residual_after_norm(c.apply_residual_connection_post_layernorm) {}

Tensor Block::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  const Tensor normalised = input_layernorm(x_BTD);
  const Tensor h_BTD = self_attention(normalised, context) + (residual_after_norm ? normalised : x_BTD);
  const Tensor normalised_h = post_attention_layernorm(h_BTD);
  return mlp(normalised_h) + (residual_after_norm ? normalised_h : h_BTD);
}

BloomModel::BloomModel(const BloomConfig& c)
    : Backbone(c),
      word_embeddings(c.vocab_size, c.output_size()),
      word_embeddings_layernorm(c.output_size(), c.layer_norm_epsilon),
      ln_f(c.output_size(), c.layer_norm_epsilon) {
  for (int64_t layer = 0; layer < c.layers(); ++layer) h.emplace_back(c, layer);
}

BaseModelOutput BloomModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = word_embeddings_layernorm(nn::embed(in, word_embeddings));
  nn::AttentionContext context = nn::causal_attention(in, x_BTD, record);
  // The reference has no fused attention here, which would differ at queries that see no key.
  if (context.mask.key_padding) context.implementation = AttentionImplementation::kEager;
  const int64_t past = in.past_key_values != nullptr ? in.past_key_values->length() : 0;
  const Tensor slopes = nn::alibi_slopes(config().heads(), x_BTD.dtype() == DType::f64 ? DType::f64 : DType::f32);
  context.mask.bias = cast(nn::alibi_bias(slopes, in.attention_mask, past + x_BTD.size(1)), x_BTD.dtype());
  for (const Block& block : h) x_BTD = block(record(x_BTD), context);
  return record.finish(ln_f(x_BTD));
}

}  // namespace imago::bloom

REGISTER_MODELS(bloom, BloomModel, BloomForCausalLM, BloomForSequenceClassification, BloomForTokenClassification,
                BloomForQuestionAnswering)
