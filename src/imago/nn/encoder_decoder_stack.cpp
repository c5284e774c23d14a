#include "imago/nn/encoder_decoder_stack.h"

#include <cmath>

#include "imago/nn/dropout.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/keep_finite.h"
#include "imago/ops/operators.h"

namespace imago::nn {

EncoderDecoderLayer::EncoderDecoderLayer(const StackOptions& o, int64_t layer)
    : self_attn({.hidden_size = o.hidden_size, .heads = o.heads, .layer = layer}),
      self_attn_layer_norm(o.hidden_size, 1e-5),
      fc1(o.hidden_size, o.intermediate_size),
      fc2(o.intermediate_size, o.hidden_size),
      final_layer_norm(o.hidden_size, 1e-5),
      activation(nn::activation(o.activation)),
      norm_first(o.norm_first),
      dropped(o.dropout),
      activation_dropped(o.activation_dropout) {
  if (o.decodes) {
    encoder_attn.emplace(MultiHeadOptions{.hidden_size = o.hidden_size, .heads = o.heads, .layer = layer});
    encoder_attn_layer_norm = LayerNorm(o.hidden_size, 1e-5);
  }
  if (o.key_bias) return;
  self_attn.key.bias = {};
  if (encoder_attn) encoder_attn->key.bias = {};
}

Tensor EncoderDecoderLayer::operator()(const Tensor& x_BTD, const DecoderContext& context) const {
  const auto add = [&](const Tensor& x, const LayerNorm& norm, const auto& body) {
    return norm_first ? x + dropout(body(norm(x)), dropped) : norm(x + dropout(body(x), dropped));
  };
  Tensor h_BTD = add(x_BTD, self_attn_layer_norm, [&](const Tensor& y) { return self_attn(y, context.self); });
  if (context.has_encoder())
    h_BTD = add(h_BTD, encoder_attn_layer_norm, [&](const Tensor& y) { return (*encoder_attn)(y, context.cross); });
  h_BTD = add(h_BTD, final_layer_norm,
              [&](const Tensor& y) { return fc2(dropout(activation(fc1(y)), activation_dropped)); });
  return encoder_attn ? h_BTD : keep_finite(h_BTD);
}

EncoderDecoderStack::EncoderDecoderStack(const StackOptions& o)
    : embed_tokens(o.vocab_size > 0 ? Embedding(o.vocab_size, o.hidden_size, o.padding_idx) : Embedding()),
      decodes(o.decodes),
      scale(o.scale_embedding ? std::sqrt(static_cast<double>(o.hidden_size)) : 1),
      dropped(o.dropout),
      attention_dropped(o.attention_dropout) {
  for (int64_t layer = 0; layer < o.layers; ++layer) layers.emplace_back(o, layer);
}

Tensor EncoderDecoderStack::embed_words(const TextInputs& in) const {
  const Tensor x_BTD = embed(in, embed_tokens);
  return in.inputs_embeds || scale == 1 ? x_BTD : x_BTD * scale;
}

BaseModelOutput EncoderDecoderStack::run(Tensor x_BTD, const TextInputs& in, const LayerNorm& last) const {
  Recorder record(in);
  x_BTD = dropout(x_BTD, dropped);
  const AttentionDropout attention_dropout(attention_dropped);
  const DecoderContext context =
      decodes ? decoder_attention(in, x_BTD, record, true) : DecoderContext{full_attention(in, x_BTD, record), {}};
  for (const EncoderDecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), context);
  return record.finish(last.weight ? last(x_BTD) : x_BTD);
}

Tensor positions_behind_cache(const TextInputs& in, const Tensor& x_BTD) {
  TextInputs own = in;
  own.position_ids = {};
  return position_ids(own, x_BTD);
}

WeightMap with_optional(WeightMap map, const WeightMap& bare) {
  for (const std::string& pattern : bare.optional) map.optional.push_back(map.base_model_prefix + "." + pattern);
  return map;
}

}  // namespace imago::nn
