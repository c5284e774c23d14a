// B batch, T tokens, D hidden.
#include "imago/models/recurrent_gemma/recurrent_gemma.h"

#include <cmath>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/reshape/reshape.h"

namespace imago::recurrent_gemma {
namespace {

nn::RotaryConfig rotary_config(const RecurrentGemmaConfig& c) {
  return nn::RotaryConfig::read(c.rope_parameters, {}, c.rope_theta, c.hidden_size / c.num_attention_heads, 0,
                                c.partial_rotary_factor);
}

}  // namespace

RecurrentGemmaConfig::RecurrentGemmaConfig() {
  pad_token_id = 0;
  eos_token_id = {1};
  bos_token_id = 2;
}

void RecurrentGemmaConfig::validate() const {
  const int64_t key_value_heads = num_key_value_heads.value_or(num_attention_heads);
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads);
  require_heads("lru_width", width(), "num_attention_heads", num_attention_heads);
  const auto require = [](bool right, const std::string& what) {
    if (!right) throw Error(ErrorKind::kInvalidFile, "config.json", what);
  };
  require(conv1d_width >= 1 && attention_window_size >= 1, "conv1d_width or attention_window_size is below 1");
  require(logits_soft_cap > 0, "logits_soft_cap is not positive");
  require(rotary_config(*this).rope_type == "default", "a rope_type other than default");
  require(!block_types.empty(), "block_types is empty");
  for (const std::string& type : block_types)
    require(type == "recurrent" || type == "attention", "block_types has \"" + type + "\"");
}

Attention::Attention(const RecurrentGemmaConfig& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.num_key_value_heads.value_or(c.num_attention_heads),
                             .head_size = c.hidden_size / c.num_attention_heads,
                             .layer = layer,
                             .bias = c.attention_bias,
                             .output_bias = true,
                             .window = c.attention_window_size}) {}

DecoderLayer::DecoderLayer(const RecurrentGemmaConfig& c, int64_t layer)
    : temporal_pre_norm(c.hidden_size, c.rms_norm_eps),
      channel_pre_norm(c.hidden_size, c.rms_norm_eps),
      mlp_block(c.hidden_size, c.intermediate_size / 2, c.hidden_activation, true) {
  if (c.block_types[static_cast<size_t>(layer) % c.block_types.size()] == "recurrent") {
    recurrent.emplace(nn::GatedRecurrenceOptions{.hidden_size = c.hidden_size,
                                                 .width = c.width(),
                                                 .heads = c.num_attention_heads,
                                                 .kernel_size = c.conv1d_width,
                                                 .activation = c.hidden_activation,
                                                 .layer = layer});
  } else {
    attention.emplace(c, layer);
  }
}

void DecoderLayer::each_field(FieldVisitor& visitor) {
  constexpr const char* names = "temporal_pre_norm, channel_pre_norm, temporal_block, mlp_block";
  if (recurrent) {
    imago::internal::visit_fields(visitor, names, temporal_pre_norm, channel_pre_norm, *recurrent, mlp_block);
  } else {
    imago::internal::visit_fields(visitor, names, temporal_pre_norm, channel_pre_norm, *attention, mlp_block);
  }
}

Tensor DecoderLayer::operator()(const Tensor& x_BTD, const Tensor& starts, const nn::RotaryContext& context) const {
  const Tensor normed = temporal_pre_norm(x_BTD);
  const Tensor h_BTD =
      x_BTD + (recurrent ? (*recurrent)(normed, starts, context.attention.cache) : (*attention)(normed, context));
  return mlp_block(channel_pre_norm(h_BTD)) + h_BTD;
}

RecurrentGemmaModel::RecurrentGemmaModel(const RecurrentGemmaConfig& c)
    : Backbone(c),
      embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
      final_norm(c.hidden_size, c.rms_norm_eps),
      rotary_(rotary_config(c)) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

BaseModelOutput RecurrentGemmaModel::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, embed_tokens);
  const Tensor positions = nn::position_ids(in, x_BTD), starts = unsqueeze(eq(positions, 0.0), 2);
  const nn::RotaryContext context{rotary_(positions, x_BTD.dtype()), nn::causal_attention(in, x_BTD, record)};
  const nn::AttentionDropout attention_dropout(config().attention_dropout);
  // The factor is of bfloat16 in every model.
  const Tensor factor = Tensor::full({}, std::sqrt(static_cast<double>(config().hidden_size)), DType::bf16);
  x_BTD = x_BTD * cast(factor, x_BTD.dtype());
  for (const DecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), starts, context);
  return record.finish(final_norm(x_BTD));
}

}  // namespace imago::recurrent_gemma

REGISTER_MODELS(recurrent_gemma, RecurrentGemmaModel, RecurrentGemmaForCausalLM)
