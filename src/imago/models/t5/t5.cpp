// B batch, T tokens, D hidden, H heads, K head size.
#include "imago/models/t5/t5.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/embeddings.h"
#include "imago/nn/gated_activation.h"
#include "imago/nn/registry.h"
#include "imago/nn/relative_position_bias.h"
#include "imago/ops/cast/cast.h"

namespace imago::t5 {

void T5Config::validate() const {
  if (feed_forward_proj.find('-', feed_forward_proj.starts_with("gated-") ? 6 : 0) != std::string::npos) {
    throw Error(ErrorKind::kUnsupported, "config.json", fmt::format("feed_forward_proj \"{}\"", feed_forward_proj),
                "it is the name of an activation, or gated- and that");
  }
  nn::check_buckets(relative_attention_num_buckets, relative_attention_max_distance);
}

std::string T5Config::activation() const {
  if (dense_act_fn) return *dense_act_fn;
  if (feed_forward_proj == "gated-gelu") return "gelu_new";
  return is_gated() ? feed_forward_proj.substr(6) : feed_forward_proj;
}

Tensor DenseReluDense::operator()(const Tensor& x_BTD) const {
  const Tensor h =
      wi.weight ? nn::activation(activation)(wi(x_BTD)) : nn::gated_activation(activation, wi_0(x_BTD), wi_1(x_BTD));
  return wo(cast(nn::dropout(h, dropped), wo.weight.dtype()));  // wider in half precision
}

Stack::Stack(const T5Config& c, StackKind stack_kind)
    : embed_tokens(c.vocab_size, c.d_model),
      final_layer_norm(c.d_model, c.layer_norm_epsilon),
      kind(stack_kind),
      max_distance(c.relative_attention_max_distance),
      dropped(c.dropout_rate) {
  const int64_t layers = kind == StackKind::kDecoder ? c.num_decoder_layers.value_or(c.num_layers) : c.num_layers;
  for (int64_t layer = 0; layer < layers; ++layer) block.emplace_back(c, kind, layer);
}

BaseModelOutput Stack::operator()(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::dropout(nn::embed(in, embed_tokens), dropped);
  const bool encodes = kind == StackKind::kEncoder;
  nn::DecoderContext context = encodes ? nn::DecoderContext{nn::full_attention(in, x_BTD, record), {}}
                                       : nn::decoder_attention(in, x_BTD, record, true);
  if (!block.empty()) {
    const nn::Embedding& table = block.front().self_attention.body.relative_attention_bias;
    context.self.mask.bias =
        nn::relative_position_bias(table, encodes, max_distance, context.self.cache, x_BTD.size(1));
  }
  const nn::AttentionDropout attention_dropout(dropped);
  for (const Block& layer : block) x_BTD = layer(record(x_BTD), context);
  return record.finish(nn::dropout(final_layer_norm(x_BTD), dropped));
}

WeightMap T5Model::weight_map() const {
  return {.base_model_prefix = "transformer",
          // A table that old checkpoints have by mistake, and heads that another architecture has.
          .ignored = {"*decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight", "lm_head.weight",
                      "qa_outputs.*", "classifier.*", "classification_head.*"},
          .tied = {{"encoder.embed_tokens.weight", "shared.weight"}, {"decoder.embed_tokens.weight", "shared.weight"}},
          .keep_in_float32 = {"*.wo.weight"}};
}

}  // namespace imago::t5

REGISTER_MODELS(t5, T5Model, T5ForConditionalGeneration, T5EncoderModel, T5ForSequenceClassification,
                T5ForTokenClassification, T5ForQuestionAnswering)
