#include "imago/nn/relative_stacks.h"

#include <cmath>

#include "imago/nn/distance_scores.h"
#include "imago/nn/dropout.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"

namespace imago::nn {

RelativeEncoderLayer::RelativeEncoderLayer(const RelativeStackOptions& o)
    : attention({.hidden_size = o.hidden_size, .heads = o.heads}),
      layer_norm(o.hidden_size, o.eps),
      final_layer_norm(o.hidden_size, o.eps),
      feed_forward(o.hidden_size, o.intermediate_size, o.activation, o.dropout),
      dropped(o.dropout.hidden) {}

Tensor RelativeEncoderLayer::operator()(const Tensor& x_BTD, AttentionContext context,
                                        const Embedding& distance_table) const {
  const Tensor q_BHTK = split_heads(attention.query(x_BTD), attention.heads);
  const auto most = static_cast<double>(distance_table.weight.size(0) / 2);
  const Tensor rows = clamp(distances(x_BTD.size(1)) * -1.0, -most, most - 1) + most;
  const Tensor scores = scores_of_rows(matmul(q_BHTK, transpose(distance_table.weight, 0, 1)), rows);
  context.mask.bias = scores / std::sqrt(static_cast<double>(q_BHTK.size(3)));
  const KeysValues all{split_heads(attention.key(x_BTD), attention.heads),
                       split_heads(attention.value(x_BTD), attention.heads)};
  const Tensor h_BTD =
      layer_norm(x_BTD + dropout(attention.output(merge_heads(attend(q_BHTK, all, context))), dropped));
  return final_layer_norm(h_BTD + feed_forward(h_BTD));
}

CrossAttendingLayer::CrossAttendingLayer(const RelativeStackOptions& o, int64_t layer)
    : self_attn({.hidden_size = o.hidden_size, .heads = o.heads, .layer = layer}),
      encoder_attn({.hidden_size = o.hidden_size, .heads = o.heads, .layer = layer}),
      self_attn_layer_norm(o.hidden_size, o.eps),
      encoder_attn_layer_norm(o.hidden_size, o.eps),
      final_layer_norm(o.hidden_size, o.eps),
      feed_forward(o.hidden_size, o.intermediate_size, o.activation, o.dropout),
      dropped(o.dropout.hidden) {}

Tensor CrossAttendingLayer::operator()(const Tensor& x_BTD, const DecoderContext& context) const {
  Tensor h_BTD = self_attn_layer_norm(x_BTD + dropout(self_attn(x_BTD, context.self), dropped));
  h_BTD = encoder_attn_layer_norm(h_BTD + dropout(encoder_attn(h_BTD, context.cross), dropped));
  return final_layer_norm(h_BTD + feed_forward(h_BTD));
}

RelativeEncoder::RelativeEncoder(const RelativeStackOptions& o) : layer_norm(o.hidden_size, o.eps), dropped(o.dropout) {
  for (int64_t layer = 0; layer < o.layers; ++layer) layers.emplace_back(o);
  embed_positions.pe_k = Embedding(2 * o.max_distance, o.hidden_size / o.heads);
}

BaseModelOutput RelativeEncoder::operator()(const Tensor& x, const Tensor& mask, const TextInputs& asked) const {
  Recorder record(asked);
  AttentionContext context;
  context.implementation = asked.attention;
  context.weights = record.attentions();
  context.mask.key_padding = mask;
  Tensor x_BTD = dropout(layer_norm(x), dropped.hidden);
  const AttentionDropout attention_dropout(dropped.attention);
  for (const RelativeEncoderLayer& layer : layers) {
    record(x_BTD);  // of a layer that is left out, too
    if (!drops_layer(dropped.layer)) x_BTD = layer(x_BTD, context, embed_positions.pe_k);
  }
  return record.finish(x_BTD);
}

CrossAttendingDecoder::CrossAttendingDecoder(const RelativeStackOptions& o) : dropped(o.dropout) {
  for (int64_t layer = 0; layer < o.layers; ++layer) layers.emplace_back(o, layer);
}

BaseModelOutput CrossAttendingDecoder::operator()(Tensor x_BTD, const TextInputs& in) const {
  Recorder record(in);
  const DecoderContext context = decoder_attention(in, x_BTD, record, true);
  const AttentionDropout attention_dropout(dropped.attention);
  for (const CrossAttendingLayer& layer : layers) {
    record(x_BTD);
    if (!drops_layer(dropped.layer)) x_BTD = layer(x_BTD, context);
  }
  return record.finish(x_BTD);
}

}  // namespace imago::nn
