// B batch, T steps, S keys, H heads, K head size, D hidden, U queries that attend.
#include "imago/models/informer/informer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "imago/base/error.h"
#include "imago/nn/dropout.h"
#include "imago/nn/keep_finite.h"
#include "imago/nn/random_source.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/cumulative/cumulative.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/gather/gather.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/pooling/pooling.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/scatter/scatter.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/where/where.h"
#include "imago/tensor/grad_meta.h"

namespace imago::informer {
namespace {

int64_t log_of(int64_t steps) { return static_cast<int64_t>(std::ceil(std::log1p(static_cast<double>(steps)))); }

// The places of the `count` largest of each row, in the order in which torch's topk(sorted=False) leaves them: weights
// of attention have a row for each.
std::vector<int64_t> largest(const Tensor& x, int64_t count) {
  const std::vector<double> values = x.to_vector<double>();
  const int64_t width = x.size(-1);
  std::vector<std::pair<double, int64_t>> row(static_cast<size_t>(width));
  std::vector<int64_t> places;
  const auto before = [](const auto& a, const auto& b) { return a.first > b.first; };
  for (size_t begin = 0; begin < values.size(); begin += row.size()) {
    for (size_t i = 0; i < row.size(); ++i) row[i] = {values[begin + i], static_cast<int64_t>(i)};
    if (count * 64 <= width) {
      std::partial_sort(row.begin(), row.begin() + count, row.end(), before);
    } else {
      std::nth_element(row.begin(), row.begin() + count - 1, row.end(), before);
    }
    for (int64_t i = 0; i < count; ++i) places.push_back(row[static_cast<size_t>(i)].second);
  }
  return places;
}

// Which queries attend, [B, H, U]: those whose largest product with the sampled keys is most above their mean.
Tensor attending(const Tensor& q_BHTK, const Tensor& k_BHSK, int64_t factor) {
  const NoGrad no_grad;
  const int64_t queries = q_BHTK.size(2), keys = k_BHSK.size(2);
  const int64_t sampled = std::min(factor * queries * log_of(keys), keys);
  const int64_t count = std::min(factor * log_of(queries), queries);
  const Tensor sample = index_select(k_BHSK, 2, Tensor::from(nn::random_source().integers(sampled, keys)));
  const Tensor products = matmul(q_BHTK, transpose(sample, 2, 3));
  const Tensor measure = amax(products, {-1}) - sum(products, {-1}) / static_cast<double>(keys);
  return Tensor::from(largest(measure, count), {q_BHTK.size(0), q_BHTK.size(1), count});
}

// What a query may not see gets the lowest score: [B, 1, T, S] zeros and lowest numbers, or undefined.
Tensor hidden_keys(const AttentionMask& mask, int64_t batch, int64_t queries, int64_t keys, DType dtype) {
  if (!mask.causal && !mask.key_padding) return {};
  Tensor visible = Tensor::ones({batch, 1, queries, keys}, DType::boolean);
  if (mask.causal) {
    const Tensor place = Tensor::arange(0, static_cast<double>(keys)), own = place + 0.0;
    visible = logical_and(visible, le(reshape(place, {1, 1, 1, keys}), reshape(own, {1, 1, queries, 1})));
  }
  if (mask.key_padding) visible = logical_and(visible, reshape(mask.key_padding, {batch, 1, 1, keys}));
  const double lowest = dtype == DType::f64 ? std::numeric_limits<double>::lowest()
                                            : static_cast<double>(std::numeric_limits<float>::lowest());
  return where(visible, Tensor::zeros({}, dtype), Tensor::full({}, lowest, dtype));
}

// The rows of x [B, H, T, W] at the places [B, H, U].
Tensor rows(const Tensor& x, const Tensor& places_BHU) {
  const Shape& s = places_BHU.shape();
  return gather(x, 2, expand(unsqueeze(places_BHU, 3), {s[0], s[1], s[2], x.size(3)}));
}

}  // namespace

void InformerConfig::validate() const {
  LaggedSeriesConfig::validate();
  if (attention_type != "prob" && attention_type != "full")
    throw Error(ErrorKind::kUnsupported, "config.json", "attention_type " + attention_type, "there are prob and full");
  if (sampling_factor < 1) throw Error(ErrorKind::kInvalidFile, "config.json", "sampling_factor is below 1");
}

SelfAttention::SelfAttention(const InformerConfig& c, bool is_decoder, int64_t layer_index)
    : Attention({.hidden_size = c.d_model,
                 .heads = is_decoder ? c.decoder_attention_heads : c.encoder_attention_heads,
                 .layer = layer_index}),
      factor(c.attention_type == "prob" ? c.sampling_factor : 0),
      decodes(is_decoder) {}

Tensor SelfAttention::operator()(const Tensor& x_BTD, const nn::AttentionContext& context) const {
  if (factor == 0) return Attention::operator()(x_BTD, context);
  const double head_size = static_cast<double>(query.weight.size(0) / heads);
  const Tensor q = nn::split_heads(query(x_BTD) * std::pow(head_size, -0.5), heads);
  const Tensor k = nn::split_heads(key(x_BTD), heads), v = nn::split_heads(value(x_BTD), heads);
  const Tensor chosen_BHU = attending(q, k, factor);
  Tensor scores = matmul(rows(q, chosen_BHU), transpose(k, 2, 3));
  const int64_t steps = x_BTD.size(1);
  if (const Tensor hidden = hidden_keys(context.mask, x_BTD.size(0), steps, steps, scores.dtype()))
    scores = scores + rows(expand(hidden, {x_BTD.size(0), heads, steps, steps}), chosen_BHU);
  const Tensor weights_BHUS = softmax(scores, -1);
  if (context.weights != nullptr) context.weights->push_back(weights_BHUS);
  const Tensor others = decodes ? cumsum(v, 2) : expand(mean(v, {2}, true), v.shape());
  const Shape& s = chosen_BHU.shape();
  const Tensor places = expand(unsqueeze(chosen_BHU, 3), {s[0], s[1], s[2], v.size(3)});
  return output(
      nn::merge_heads(scatter(others, 2, places, matmul(nn::dropout(weights_BHUS, nn::attention_dropout()), v))));
}

Layer::Layer(const InformerConfig& c, bool is_decoder, int64_t layer)
    : self_attn(c, is_decoder, layer),
      self_attn_layer_norm(c.d_model, 1e-5),
      fc1(c.d_model, is_decoder ? c.decoder_ffn_dim : c.encoder_ffn_dim),
      fc2(is_decoder ? c.decoder_ffn_dim : c.encoder_ffn_dim, c.d_model),
      final_layer_norm(c.d_model, 1e-5),
      activation(nn::activation(c.activation_function)),
      dropped(c.dropout),
      activation_dropped(c.activation_dropout) {
  if (!is_decoder) return;
  encoder_attn.emplace(
      nn::MultiHeadOptions{.hidden_size = c.d_model, .heads = c.decoder_attention_heads, .layer = layer});
  encoder_attn_layer_norm = nn::LayerNorm(c.d_model, 1e-5);
}

Tensor Layer::operator()(const Tensor& x_BTD, const nn::DecoderContext& context) const {
  const auto drop = [this](const Tensor& x) { return nn::dropout(x, dropped); };
  Tensor h_BTD = self_attn_layer_norm(x_BTD + drop(self_attn(x_BTD, context.self)));
  if (encoder_attn) h_BTD = encoder_attn_layer_norm(h_BTD + drop((*encoder_attn)(h_BTD, context.cross)));
  h_BTD = final_layer_norm(h_BTD + drop(fc2(nn::dropout(activation(fc1(h_BTD)), activation_dropped))));
  return encoder_attn ? h_BTD : nn::keep_finite(h_BTD);
}

Tensor Distilling::operator()(const Tensor& x_BTD) const {
  const Tensor x_BDT = transpose(x_BTD, 1, 2);
  const Tensor around = concat({narrow(x_BDT, 2, x_BDT.size(2) - 1, 1), x_BDT, narrow(x_BDT, 2, 0, 1)}, 2);
  return transpose(max_pool(nn::elu(norm(downConv(around))), {3}, {2}, {1}), 1, 2);
}

Stack::Stack(const InformerConfig& c, bool is_decoder)
    : embedding(c),
      decodes(is_decoder),
      first_position(is_decoder ? c.context() : 0),
      dropped(c.dropout),
      attention_dropped(c.attention_dropout) {
  const int64_t count = is_decoder ? c.decoder_layers : c.encoder_layers;
  for (int64_t layer = 0; layer < count; ++layer) layers.emplace_back(c, is_decoder, layer);
  if (is_decoder || !c.distil) return;
  for (int64_t layer = 0; layer + 1 < count; ++layer) conv_layers.emplace_back(c.d_model);
}

void Stack::each_field(FieldVisitor& visitor) {
  embedding.each_field(visitor);
  imago::internal::visit_fields(visitor, "layers, conv_layers", layers, conv_layers);
}

BaseModelOutput Stack::operator()(const TextInputs& in) const {
  Tensor x_BTD = nn::dropout(embedding(in.inputs_embeds, first_position), dropped);
  const nn::AttentionDropout attention_dropout(attention_dropped);
  nn::Recorder record(in);
  const nn::DecoderContext context = decodes ? nn::decoder_attention(in, x_BTD, record, true)
                                             : nn::DecoderContext{nn::full_attention(in, x_BTD, record), {}};
  // A hidden state is what a layer made, before it is distilled.
  record(x_BTD);
  for (size_t i = 0; i < layers.size(); ++i) {
    x_BTD = layers[i](x_BTD, context);
    if (i + 1 < layers.size()) record(x_BTD);
    if (i < conv_layers.size()) x_BTD = conv_layers[i](x_BTD);
  }
  return record.finish(x_BTD);
}

}  // namespace imago::informer

REGISTER_MODELS(informer, InformerModel, InformerForPrediction)
