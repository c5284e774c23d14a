// B batch, Q queries and a text's tokens, D hidden.
#include "imago/models/blip_2_qformer/blip_2_qformer.h"

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/slice/slice.h"

namespace imago::blip_2_qformer {

void Blip2QFormerConfig::validate() const {
  BertConfig::validate();
  if (cross_attention_frequency < 1)
    throw Error(ErrorKind::kInvalidFile, "config.json", "cross_attention_frequency is below 1");
}

QFormerAttention::QFormerAttention(const Blip2QFormerConfig& c, int64_t source_size)
    : projections({.hidden_size = c.hidden_size, .heads = c.num_attention_heads}),
      norm(c.hidden_size, c.layer_norm_eps),
      dropped(c.hidden_dropout_prob) {
  projections.key = projections.value = nn::Linear(source_size, c.hidden_size);
}

void QFormerAttention::each_field(FieldVisitor& visitor) {
  projections.each_field(visitor);
  imago::internal::visit_field(visitor, "output.LayerNorm", norm);
}

Tensor QFormerAttention::operator()(const Tensor& x_BQD, const nn::AttentionContext& context) const {
  return norm(nn::dropout(projections(x_BQD, context), dropped) + x_BQD);
}

QFormerLayer::QFormerLayer(const Blip2QFormerConfig& c, int64_t layer)
    : attention(c, c.hidden_size), intermediate_query(c), output_query(c) {
  if (layer % c.cross_attention_frequency == 0) crossattention.emplace(c, c.encoder_hidden_size);
  if (!c.use_qformer_text_input) return;
  intermediate.emplace(c);
  output.emplace(c);
}

Tensor QFormerLayer::read_text(const Tensor& x_BQD) const {
  if (!intermediate) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "the Q-Former reads no text",
                "set use_qformer_text_input in config.json, with the weights for it");
  }
  return (*output)((*intermediate)(x_BQD), x_BQD);
}

Tensor QFormerLayer::operator()(const Tensor& x_BQD, const nn::DecoderContext& context, int64_t queries) const {
  const Tensor h_BQD = attention(x_BQD, context.self);
  const int64_t texts = h_BQD.size(1) - queries;
  if (queries == 0) return read_text(h_BQD);
  Tensor q_BQD = narrow(h_BQD, 1, 0, queries);
  if (crossattention) {
    if (!context.has_encoder())
      throw Error(ErrorKind::kInvalidArgument, "forward", "queries need encoder_hidden_states to ask");
    q_BQD = (*crossattention)(q_BQD, context.cross);
  }
  q_BQD = output_query(intermediate_query(q_BQD), q_BQD);
  return texts == 0 ? q_BQD : concat({q_BQD, read_text(narrow(h_BQD, 1, queries, texts))}, 1);
}

Blip2QFormerModel::Blip2QFormerModel(const Blip2QFormerConfig& c)
    : Backbone(c), layernorm(c.hidden_size, c.layer_norm_eps) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) encoder.layer.emplace_back(c, layer);
}

BaseModelOutput Blip2QFormerModel::forward(const QFormerInputs& in) const {
  if (!in.query_embeds) throw Error(ErrorKind::kInvalidArgument, "forward", "the model takes query_embeds");
  nn::Recorder record(in);
  // It stays in float32 below a half-precision vision model.
  const DType dtype = layernorm.weight.dtype();
  Tensor x_BQD = nn::dropout(layernorm(cast(in.query_embeds, dtype)), config().hidden_dropout_prob);
  TextInputs attended;
  attended.attention_mask = in.attention_mask;
  if (in.encoder_hidden_states) attended.encoder_hidden_states = cast(in.encoder_hidden_states, dtype);
  attended.encoder_attention_mask = in.encoder_attention_mask;
  attended.attention = in.attention;
  nn::DecoderContext context{nn::full_attention(attended, x_BQD, record), nn::cross_attention(attended, record)};
  context.cross.weights = record.attentions();  // the reference lists both kinds there, as they come
  const nn::AttentionDropout attention_dropout(config().attention_probs_dropout_prob);
  const int64_t queries = in.query_length ? in.query_length.item<int64_t>() : x_BQD.size(1);
  if (queries < 0 || queries > x_BQD.size(1))
    throw Error(ErrorKind::kInvalidArgument, "forward", "query_length is not a part of query_embeds");
  for (const QFormerLayer& layer : encoder.layer) x_BQD = layer(record(x_BQD), context, queries);
  BaseModelOutput out = record.finish(x_BQD);
  size_t place = 0;
  for (const QFormerLayer& layer : encoder.layer) {
    if (out.attentions.empty()) break;
    const bool asks = layer.crossattention && queries > 0;
    if (asks) out.cross_attentions.push_back(out.attentions.at(place + 1));
    place += asks ? 2 : 1;
  }
  out.pooler_output = select(out.last_hidden_state, 1, 0);
  return out;
}

}  // namespace imago::blip_2_qformer

REGISTER_MODELS(blip_2_qformer, Blip2QFormerModel)
