// B batch, T tokens, D hidden, H heads, G groups of them, R heads of a group, K head size.
#include "imago/models/falcon/falcon.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/alibi.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::falcon {
namespace {

// Positions as what each head adds to its scores; those of the reference are rounded to bfloat16.
void add_alibi(nn::AttentionContext& context, const TextInputs& in, const Tensor& x_BTD, const FalconConfig& c) {
  const int64_t past = in.past_key_values != nullptr ? in.past_key_values->length() : 0;
  const Tensor slopes = nn::alibi_slopes(c.num_attention_heads, DType::bf16);
  const Tensor bias = cast(nn::alibi_bias(slopes, in.attention_mask, past + x_BTD.size(1)), x_BTD.dtype());
  context.mask.bias = bias / std::sqrt(static_cast<double>(c.head_size()));
  // When eager, the reference adds the bias to the scores and once more with the mask.
  if (context.is_eager()) context.mask.bias = context.mask.bias + context.mask.bias;
  // Its fused attention gets a finite mask here: a query that sees no key spreads its weight as when eager.
  if (context.mask.key_padding) context.implementation = AttentionImplementation::kEager;
}

}  // namespace

FalconConfig::FalconConfig() {
  bos_token_id = 11;
  eos_token_id = {11};
}

int64_t FalconConfig::groups() const {
  if (new_decoder_architecture) return num_kv_heads.value_or(num_attention_heads);
  return multi_query ? 1 : num_attention_heads;
}

void FalconConfig::validate() const {
  require_heads("hidden_size", output_size(), "num_attention_heads", num_attention_heads);
  require_heads("num_attention_heads", num_attention_heads, "num_kv_heads", groups());
  const int64_t norms = num_ln_in_parallel_attn.value_or(new_decoder_architecture ? 2 : 1);
  if (new_decoder_architecture ? parallel_attn && (norms == 1 || norms == 2) : !parallel_attn || norms != 2) return;
  throw Error(ErrorKind::kUnsupported, "config.json",
              fmt::format("num_ln_in_parallel_attn {} with new_decoder_architecture {} and parallel_attn {}", norms,
                          new_decoder_architecture, parallel_attn),
              "layers have two norms only with new_decoder_architecture, which goes with parallel_attn");
}

Attention::Attention(const FalconConfig& c, int64_t layer_index)
    : query_key_value(c.output_size(), (c.num_attention_heads + 2 * c.groups()) * c.head_size(), c.bias),
      dense(c.output_size(), c.output_size(), c.bias),
      heads(c.num_attention_heads),
      groups(c.groups()),
      head_size(c.head_size()),
      layer(layer_index) {}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  const int64_t batch = x_BTD.size(0), tokens = x_BTD.size(1), queries = heads / groups;
  const Tensor fused = reshape(query_key_value(x_BTD), {batch, tokens, groups, queries + 2, head_size});
  const auto turned = [&](const Tensor& x_BTHK) {
    const Tensor x_BHTK = transpose(x_BTHK, 1, 2);
    return context.angles.cos ? nn::rotate(x_BHTK, context.angles) : x_BHTK;
  };
  const Tensor q_BHTK = turned(reshape(narrow(fused, 3, 0, queries), {batch, tokens, heads, head_size}));
  const KeysValues all = nn::keys_values(context.attention, layer, x_BTD, [&](const Tensor&) {
    return KeysValues{turned(select(fused, 3, queries)), transpose(select(fused, 3, queries + 1), 1, 2)};
  });
  return dense(nn::merge_heads(nn::attend(q_BHTK, all, context.attention)));
}

MLP::MLP(const FalconConfig& c)
    : dense_h_to_4h(c.output_size(), c.ffn_hidden_size.value_or(4 * c.output_size()), c.bias),
      dense_4h_to_h(c.ffn_hidden_size.value_or(4 * c.output_size()), c.output_size(), c.bias),
      activation(nn::activation(c.activation)) {}

DecoderLayer::DecoderLayer(const FalconConfig& c, int64_t layer)
    : self_attention(c, layer), mlp(c), parallel(c.parallel_attn), two_norms(c.has_two_norms()) {
  const auto norm = [&c] { return nn::LayerNorm(c.output_size(), c.layer_norm_epsilon); };
  if (two_norms) {
    ln_attn = norm();
    ln_mlp = norm();
    return;
  }
  input_layernorm = norm();
  if (!parallel) post_attention_layernorm = norm();
}

Tensor DecoderLayer::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  if (two_norms) return mlp(ln_mlp(x_BTD)) + self_attention(ln_attn(x_BTD), context) + x_BTD;
  const Tensor normalised = input_layernorm(x_BTD);
  const Tensor attended = self_attention(normalised, context);
  if (parallel) return mlp(normalised) + attended + x_BTD;
  const Tensor h_BTD = attended + x_BTD;
  return mlp(post_attention_layernorm(h_BTD)) + h_BTD;
}

FalconModel::FalconModel(const FalconConfig& c)
    : Backbone(c),
      word_embeddings(c.vocab_size, c.output_size()),
      ln_f(c.output_size(), c.layer_norm_epsilon),
      rotary_(nn::RotaryConfig::read(c.rope_parameters, c.rope_scaling, c.rope_theta, c.head_size(),
                                     c.max_position_embeddings)) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) h.emplace_back(c, layer);
}

WeightMap FalconModel::weight_map() const {
  return {.base_model_prefix = "transformer", .ignored = {"*rotary_emb.inv_freq"}};
}

BaseModelOutput FalconModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, word_embeddings);
  nn::RotaryContext context{{}, nn::causal_attention(in, x_BTD, record)};
  if (config().alibi) {
    add_alibi(context.attention, in, x_BTD, config());
  } else {
    context.angles = rotary_(nn::position_ids(in, x_BTD), x_BTD.dtype());
  }
  for (const DecoderLayer& layer : h) x_BTD = layer(record(x_BTD), context);
  return record.finish(ln_f(x_BTD));
}

}  // namespace imago::falcon

REGISTER_MODELS(falcon, FalconModel, FalconForCausalLM, FalconForSequenceClassification, FalconForTokenClassification,
                FalconForQuestionAnswering)
