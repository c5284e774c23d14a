#include "imago/nn/attention.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/nn/keep_finite.h"
#include "imago/nn/packed_sequences.h"
#include "imago/nn/virtual_keys.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scaled_dot_product_attention/score_matrix.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/unary/unary.h"
#include "imago/ops/where/where.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago::nn {
namespace {

// Each key/value head once per query head that reads it.
Tensor repeat_heads(const Tensor& x_BHTK, int64_t heads) {
  const int64_t repeats = heads / x_BHTK.size(1);
  if (repeats == 1) return x_BHTK;
  const Shape& s = x_BHTK.shape();
  return reshape(expand(unsqueeze(x_BHTK, 2), {s[0], s[1], repeats, s[2], s[3]}), {s[0], heads, s[2], s[3]});
}

Tensor hide(const Tensor& scores, const Tensor& visible) {
  const Tensor hidden = Tensor::full({}, lowest(scores.dtype()), scores.dtype(), scores.device());
  const Tensor shown = Tensor::zeros({}, scores.dtype(), scores.device());
  return scores + where(visible, shown, hidden);
}

// One more score per head, [H], in the sum of scores [B, H, T, S].
Tensor softmax_with_sinks(const Tensor& scores, const Tensor& sinks) {
  const Shape& s = scores.shape();
  const Tensor column = expand(reshape(sinks, {1, s[1], 1, 1}), {s[0], s[1], s[2], 1});
  return narrow(softmax(concat({scores, column}, 3), -1), 3, 0, s[3]);
}

// A layer with a window has fewer keys than the tokens that the masks are of: the last.
AttentionMask of_last_keys(AttentionMask mask, int64_t keys) {
  const auto cut = [keys](Tensor& tensor) {
    const int64_t all = tensor ? tensor.size(-1) : 0;
    if (all > keys) tensor = narrow(tensor, tensor.dim() - 1, all - keys, keys);
  };
  cut(mask.key_padding);
  cut(mask.bias);
  return mask;
}

// The weights of each key, [B, H, T, S]. A query that sees no key weighs all alike, or none.
enum class Blind { kAllKeys, kNone };
Tensor eager_weights(const Tensor& q, const Tensor& k, const AttentionMask& mask, const AttentionOptions& options,
                     DType dtype, Blind blind) {
  const int64_t queries = q.size(2), keys = k.size(2);
  const double scale = options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(3))));
  const op::ScaledDotProductAttention described{scale,       0,           mask.causal,
                                                mask.window, mask.prefix, mask.query_offset.value_or(keys - queries)};
  Tensor scores = matmul(q, transpose(repeat_heads(k, q.size(1)), 2, 3)) * scale;
  if (options.softcap > 0) scores = tanh(scores / options.softcap) * options.softcap;
  if (mask.bias) scores = scores + cast(mask.bias, scores.dtype());
  Tensor visible = visible_keys(described, queries, keys, q.device());
  if (mask.key_padding) {
    const Tensor tokens = reshape(mask.key_padding, {mask.key_padding.size(0), 1, 1, keys});
    visible = visible ? logical_and(visible, tokens) : tokens;
  }
  if (visible) scores = hide(scores, visible);
  // The softmax of half types is taken in float32, as the reference takes it.
  const DType exact = scores.dtype() == DType::f64 ? DType::f64 : DType::f32;
  const Tensor weights =
      options.sinks ? softmax_with_sinks(cast(scores, exact), cast(options.sinks, exact)) : softmax(scores, -1, exact);
  if (!visible || blind == Blind::kAllKeys) return cast(weights, dtype);
  return cast(weights * cast(any(visible, {visible.dim() - 1}, /*keepdim=*/true), exact), dtype);
}

// bool [batch, keys], or undefined where every key is a token.
Tensor key_padding(const Tensor& attention_mask, int64_t batch, int64_t keys) {
  if (!attention_mask) return {};
  if (!(attention_mask.shape() == Shape{batch, keys})) {
    throw Error(ErrorKind::kInvalidArgument, "attention",
                fmt::format("attention_mask is {}, for {} rows of {} tokens", attention_mask.describe(), batch, keys),
                "give one number per token, those in the cache included: 1 for a token, 0 for padding");
  }
  Tensor tokens = ne(attention_mask, 0);
  return !tokens.is_meta() && all(tokens).item<bool>() ? Tensor() : tokens;
}

}  // namespace

Tensor split_heads(const Tensor& x_BTD, int64_t heads) {
  return transpose(reshape(x_BTD, {x_BTD.size(0), x_BTD.size(1), heads, x_BTD.size(2) / heads}), 1, 2);
}

Tensor merge_heads(const Tensor& x_BHTK) { return flatten(transpose(x_BHTK, 1, 2), 2, 3); }

KeysValues keys_values(const AttentionContext& context, int64_t layer, const Tensor& x_BTD,
                       const std::function<KeysValues(const Tensor&)>& project) {
  if (!context.encoder_hidden_states) {
    const KeysValues own = VirtualKeys::before(layer, project(x_BTD));
    return context.cache != nullptr ? context.cache->append(layer, own.keys, own.values, context.mask.window) : own;
  }
  if (context.cache == nullptr) return project(context.encoder_hidden_states);
  KeysValues all = context.cache->cross(layer);
  if (!all.keys) {
    all = project(context.encoder_hidden_states);
    context.cache->set_cross(layer, all);
  }
  return all;
}

Tensor attend(const Tensor& q, const KeysValues& all, const AttentionContext& context,
              const AttentionOptions& options) {
  AttentionMask mask = of_last_keys(context.mask, all.keys.size(2));
  if (const Tensor apart = PackedSequences::attention_bias(q.size(2), all.keys.size(2)))
    mask.bias = mask.bias ? cast(mask.bias, DType::f32) + apart : apart;
  const double dropped = attention_dropout();
  if (!context.is_eager() && dropped == 0) return scaled_dot_product_attention(q, all.keys, all.values, mask, options);
  const Tensor values = decode(all.values);
  const Blind blind = context.is_eager() ? Blind::kAllKeys : Blind::kNone;
  const Tensor weights = dropout(eager_weights(q, decode(all.keys), mask, options, values.dtype(), blind), dropped);
  if (context.weights != nullptr) context.weights->push_back(weights);
  return matmul(weights, repeat_heads(values, q.size(1)));
}

AttentionContext full_attention(const TextInputs& inputs, const Tensor& x_BTD, Recorder& record) {
  AttentionContext context;
  context.mask.key_padding = key_padding(inputs.attention_mask, x_BTD.size(0), x_BTD.size(1));
  context.implementation = inputs.attention;
  context.weights = record.attentions();
  return context;
}

AttentionContext causal_attention(const TextInputs& inputs, const Tensor& x_BTD, Recorder& record) {
  const int64_t past =
      VirtualKeys::tokens() + (inputs.past_key_values != nullptr ? inputs.past_key_values->length() : 0);
  AttentionContext context;
  context.mask.key_padding = key_padding(inputs.attention_mask, x_BTD.size(0), past + x_BTD.size(1));
  context.mask.causal = true;
  context.cache = inputs.past_key_values;
  context.implementation = inputs.attention;
  context.weights = record.attentions();
  return context;
}

AttentionContext cross_attention(const TextInputs& inputs, Recorder& record) {
  AttentionContext context;
  const Tensor& y_BSD = context.encoder_hidden_states = inputs.encoder_hidden_states;
  if (!y_BSD) return context;
  context.mask.key_padding = key_padding(inputs.encoder_attention_mask, y_BSD.size(0), y_BSD.size(1));
  context.cache = inputs.past_key_values;
  context.implementation = inputs.attention;
  context.weights = record.cross_attentions();
  return context;
}

DecoderContext decoder_attention(const TextInputs& inputs, const Tensor& x_BTD, Recorder& record,
                                 bool has_cross_attention) {
  if (inputs.encoder_hidden_states && !has_cross_attention) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "the model has no attention to encoder_hidden_states",
                "set add_cross_attention in config.json, with the weights for it, or leave them out");
  }
  return {causal_attention(inputs, x_BTD, record), cross_attention(inputs, record)};
}

}  // namespace imago::nn
