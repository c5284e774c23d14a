#include "imago/models/falcon_h1/falcon_h1.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::falcon_h1 {

FalconH1Config::FalconH1Config() {
  tie_word_embeddings = false;
  pad_token_id = 0;
  bos_token_id = 1;
  eos_token_id = {2};
}

void FalconH1Config::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  require_heads("mamba_n_heads", mamba_n_heads, "mamba_n_groups", mamba_n_groups);
  require_heads("mamba_d_ssm", inner_size(), "mamba_n_heads", mamba_n_heads);
  nn::time_step_limit(time_step_limit);
  const auto refuse = [](bool wrong, const std::string& what) {
    if (wrong) throw Error(ErrorKind::kInvalidFile, "config.json", what);
  };
  const std::string& own = mamba_d_head.text;
  refuse(!own.empty() && own != "\"auto\"" && own != std::to_string(inner_size() / mamba_n_heads),
         fmt::format("mamba_d_head {} is not mamba_d_ssm {} over mamba_n_heads {}", own, inner_size(), mamba_n_heads));
  refuse(mlp_multipliers && mlp_multipliers->size() != 2, "mlp_multipliers is no list of two numbers");
  refuse(ssm_multipliers && ssm_multipliers->size() != 5, "ssm_multipliers is no list of five numbers");
  refuse(mamba_d_conv < 1 || mamba_d_state < 1, "mamba_d_conv or mamba_d_state is below 1");
}

Attention::Attention(const FalconH1Config& c, int64_t layer)
    : GroupedQueryProjections({.hidden_size = c.hidden_size,
                               .heads = c.num_attention_heads,
                               .key_value_heads = c.key_value_heads(),
                               .head_size = c.head_size(),
                               .layer = layer,
                               .bias = c.attention_bias,
                               .output_bias = c.attention_bias,
                               .norm = nn::QueryKeyNorm::kEachHead}),
      key_multiplier(c.key_multiplier) {}

Tensor Attention::operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
  return attend(
      x_BTD, context, [](const Tensor& q) { return q; }, [this](const Tensor& k) { return k * key_multiplier; });
}

Mixer::Mixer(const FalconH1Config& c, int64_t layer)
    : Mamba2Mixer({.hidden_size = c.hidden_size,
                   .heads = c.mamba_n_heads,
                   .head_size = c.inner_size() / c.mamba_n_heads,
                   .state_size = c.mamba_d_state,
                   .groups = c.mamba_n_groups,
                   .kernel_size = c.mamba_d_conv,
                   .bias = c.mamba_proj_bias,
                   .convolution_bias = c.mamba_conv_bias,
                   .output_bias = c.projectors_bias,
                   .activation = c.hidden_act,
                   .time_steps = nn::time_step_limit(c.time_step_limit),
                   .norm_eps = c.rms_norm_eps,
                   .has_norm = c.mamba_rms_norm,
                   .gate_after_norm = c.mamba_norm_before_gate,
                   .layer = layer,
                   .counts_tokens = false}),
      in_multiplier(c.ssm_in_multiplier) {
  if (!c.ssm_multipliers) return;
  const int64_t inner = c.inner_size(), groups = c.mamba_n_groups * c.mamba_d_state;
  const int64_t sizes[] = {inner, inner, groups, groups, c.mamba_n_heads};  // gate, x, B, C, time steps
  for (size_t part = 0; part < std::size(sizes); ++part)
    factors.insert(factors.end(), static_cast<size_t>(sizes[part]), static_cast<float>(c.ssm_multipliers->at(part)));
}

Tensor Mixer::operator()(const Tensor& x_BTD, const TextInputs& in) const {
  const Tensor scales = factors.empty() ? Tensor() : cast(Tensor::from(factors), x_BTD.dtype());
  return Mamba2Mixer::operator()(x_BTD* in_multiplier, in, scales);
}

MLP::MLP(const FalconH1Config& c)
    : gate_proj(c.hidden_size, c.intermediate_size, c.mlp_bias),
      up_proj(c.hidden_size, c.intermediate_size, c.mlp_bias),
      down_proj(c.intermediate_size, c.hidden_size, c.mlp_bias),
      activation(nn::activation(c.hidden_act)),
      gate_multiplier(c.mlp_multipliers ? c.mlp_multipliers->at(0) : 1),
      down_multiplier(c.mlp_multipliers ? c.mlp_multipliers->at(1) : 1) {}

Tensor MLP::operator()(const Tensor& x_BTD) const {
  return down_proj(up_proj(x_BTD) * activation(gate_proj(x_BTD) * gate_multiplier)) * down_multiplier;
}

DecoderLayer::DecoderLayer(const FalconH1Config& c, int64_t layer)
    : feed_forward(c),
      mamba(c, layer),
      self_attn(c, layer),
      input_layernorm(c.hidden_size, c.rms_norm_eps),
      pre_ff_layernorm(c.hidden_size, c.rms_norm_eps),
      attention_in(c.attention_in_multiplier),
      attention_out(c.attention_out_multiplier),
      ssm_out(c.ssm_out_multiplier) {}

Tensor DecoderLayer::operator()(const Tensor& x_BTD, const TextInputs& in, const nn::RotaryContext& context) const {
  const Tensor normed = input_layernorm(x_BTD);
  const Tensor mixed = mamba(normed, in) * ssm_out;
  const Tensor h_BTD = x_BTD + (mixed + self_attn(normed * attention_in, context) * attention_out);
  return h_BTD + feed_forward(pre_ff_layernorm(h_BTD));
}

FalconH1Model::FalconH1Model(const FalconH1Config& c)
    : Backbone(c),
      embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
      final_layernorm(c.hidden_size, c.rms_norm_eps),
      rotary_(nn::rotary_config(c)) {
  for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
}

BaseModelOutput FalconH1Model::forward(const TextInputs& in) const {
  nn::Recorder record(in);
  Tensor x_BTD = nn::embed(in, embed_tokens);
  if (!in.inputs_embeds) x_BTD = x_BTD * config().embedding_multiplier;
  const nn::RotaryContext context{rotary_(nn::position_ids(in, x_BTD), x_BTD.dtype()),
                                  nn::causal_attention(in, x_BTD, record)};
  for (const DecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), in, context);
  return record.finish(final_layernorm(x_BTD));
}

Tensor ScaledLMHead::operator()(const Tensor& x_BTD) const { return LMHead::operator()(x_BTD) * multiplier; }

}  // namespace imago::falcon_h1

REGISTER_MODELS(falcon_h1, FalconH1Model, FalconH1ForCausalLM)
