// Falcon-H1 (Zuo et al. 2025, "Falcon-H1: A Family of Hybrid-Head Language Models Redefining Efficiency and
// Performance"). B batch, T tokens, D hidden.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/activations.h"
#include "imago/nn/heads/language_model.h"
#include "imago/nn/mamba2_mixer.h"
#include "imago/nn/registry.h"
#include "imago/nn/rotary_decoder.h"
#include "imago/ops/operators.h"

namespace imago::falcon_h1 {

struct FalconH1Config : Config {
  static constexpr const char* kModelType = "falcon_h1";
  int64_t vocab_size = 128000, hidden_size = 4096, intermediate_size = 14336, num_hidden_layers = 32;
  int64_t num_attention_heads = 32;
  std::optional<int64_t> num_key_value_heads = 8, head_dim;
  std::string hidden_act = "silu";
  double rms_norm_eps = 1e-5, attention_dropout = 0;
  int64_t max_position_embeddings = 8192;
  std::optional<int64_t> mamba_d_ssm = 1024;
  int64_t mamba_n_heads = 128;
  JsonText mamba_d_head;  // a number, or "auto": what the others leave
  int64_t mamba_n_groups = 1, mamba_d_state = 256, mamba_d_conv = 4, mamba_expand = 2;
  bool mamba_conv_bias = true, mamba_proj_bias = false, mamba_norm_before_gate = true, mamba_rms_norm = false;
  JsonText time_step_limit;
  bool projectors_bias = false, attention_bias = false, mlp_bias = false;
  std::optional<double> rope_theta;
  JsonText rope_parameters, rope_scaling;
  double lm_head_multiplier = 1, embedding_multiplier = 1, key_multiplier = 1;
  double attention_in_multiplier = 1, attention_out_multiplier = 1, ssm_in_multiplier = 1, ssm_out_multiplier = 1;
  std::optional<std::vector<double>> mlp_multipliers, ssm_multipliers;
  // Of no effect: into which pieces the reference cuts its sums, how many logits generation asks for, and what follows.
  JsonText mamba_chunk_size, num_logits_to_keep, layer_types, layers_block_type, mamba_use_mlp;
  FIELDS_AND(Config, vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads,
             num_key_value_heads, head_dim, hidden_act, rms_norm_eps, attention_dropout, max_position_embeddings,
             mamba_d_ssm, mamba_n_heads, mamba_d_head, mamba_n_groups, mamba_d_state, mamba_d_conv, mamba_expand,
             mamba_conv_bias, mamba_proj_bias, mamba_norm_before_gate, mamba_rms_norm, time_step_limit, projectors_bias,
             attention_bias, mlp_bias, rope_theta, rope_parameters, rope_scaling, lm_head_multiplier,
             embedding_multiplier, key_multiplier, attention_in_multiplier, attention_out_multiplier, ssm_in_multiplier,
             ssm_out_multiplier, mlp_multipliers, ssm_multipliers, mamba_chunk_size, num_logits_to_keep, layer_types,
             layers_block_type, mamba_use_mlp)

  FalconH1Config() {
    tie_word_embeddings = false;
    pad_token_id = 0;
    bos_token_id = 1;
    eos_token_id = {2};
  }
  void validate() const override {
    require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
    require_heads("mamba_n_heads", mamba_n_heads, "mamba_n_groups", mamba_n_groups);
    require_heads("mamba_d_ssm", inner_size(), "mamba_n_heads", mamba_n_heads);
    nn::time_step_limit(time_step_limit);
    const auto refuse = [](bool wrong, const std::string& what) {
      if (wrong) throw Error(ErrorKind::kInvalidFile, "config.json", what);
    };
    const std::string& own = mamba_d_head.text;
    refuse(
        !own.empty() && own != "\"auto\"" && own != std::to_string(inner_size() / mamba_n_heads),
        fmt::format("mamba_d_head {} is not mamba_d_ssm {} over mamba_n_heads {}", own, inner_size(), mamba_n_heads));
    refuse(mlp_multipliers && mlp_multipliers->size() != 2, "mlp_multipliers is no list of two numbers");
    refuse(ssm_multipliers && ssm_multipliers->size() != 5, "ssm_multipliers is no list of five numbers");
    refuse(mamba_d_conv < 1 || mamba_d_state < 1, "mamba_d_conv or mamba_d_state is below 1");
  }
  int64_t key_value_heads() const { return num_key_value_heads.value_or(num_attention_heads); }
  int64_t head_size() const { return head_dim.value_or(hidden_size / num_attention_heads); }
  int64_t inner_size() const { return mamba_d_ssm.value_or(mamba_expand * hidden_size); }
};

struct Attention : nn::GroupedQueryProjections {
  FIELDS(q_proj, k_proj, v_proj, o_proj)

  Attention(const FalconH1Config& c, int64_t layer)
      : GroupedQueryProjections({.hidden_size = c.hidden_size,
                                 .heads = c.num_attention_heads,
                                 .key_value_heads = c.key_value_heads(),
                                 .head_size = c.head_size(),
                                 .layer = layer,
                                 .bias = c.attention_bias,
                                 .output_bias = c.attention_bias,
                                 .norm = nn::QueryKeyNorm::kEachHead}),
        key_multiplier(c.key_multiplier) {}
  Tensor operator()(const Tensor& x_BTD, const nn::RotaryContext& context) const {
    return attend(
        x_BTD, context, [](const Tensor& q) { return q; }, [this](const Tensor& k) { return k * key_multiplier; });
  }

  double key_multiplier;
};

// The parts of what goes into the state space have a factor each.
struct Mixer : nn::Mamba2Mixer {
  Mixer(const FalconH1Config& c, int64_t layer)
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
  Tensor operator()(const Tensor& x_BTD, const TextInputs& in) const {
    const Tensor scales = factors.empty() ? Tensor() : cast(Tensor::from(factors), x_BTD.dtype());
    return Mamba2Mixer::operator()(x_BTD* in_multiplier, in, scales);
  }

  double in_multiplier;
  std::vector<float> factors;
};

struct MLP : Module {
  nn::Linear gate_proj, up_proj, down_proj;
  FIELDS(gate_proj, up_proj, down_proj)

  explicit MLP(const FalconH1Config& c)
      : gate_proj(c.hidden_size, c.intermediate_size, c.mlp_bias),
        up_proj(c.hidden_size, c.intermediate_size, c.mlp_bias),
        down_proj(c.intermediate_size, c.hidden_size, c.mlp_bias),
        activation(nn::activation(c.hidden_act)),
        gate_multiplier(c.mlp_multipliers ? c.mlp_multipliers->at(0) : 1),
        down_multiplier(c.mlp_multipliers ? c.mlp_multipliers->at(1) : 1) {}
  Tensor operator()(const Tensor& x_BTD) const {
    return down_proj(up_proj(x_BTD) * activation(gate_proj(x_BTD) * gate_multiplier)) * down_multiplier;
  }

  nn::Activation activation;
  double gate_multiplier, down_multiplier;
};

// Attention and a state space read the same and are added.
struct DecoderLayer : Module {
  MLP feed_forward;
  Mixer mamba;
  Attention self_attn;
  nn::RMSNorm input_layernorm, pre_ff_layernorm;
  FIELDS(feed_forward, mamba, self_attn, input_layernorm, pre_ff_layernorm)

  DecoderLayer(const FalconH1Config& c, int64_t layer)
      : feed_forward(c),
        mamba(c, layer),
        self_attn(c, layer),
        input_layernorm(c.hidden_size, c.rms_norm_eps),
        pre_ff_layernorm(c.hidden_size, c.rms_norm_eps),
        attention_in(c.attention_in_multiplier),
        attention_out(c.attention_out_multiplier),
        ssm_out(c.ssm_out_multiplier) {}
  Tensor operator()(const Tensor& x_BTD, const TextInputs& in, const nn::RotaryContext& context) const {
    const Tensor normed = input_layernorm(x_BTD);
    const Tensor mixed = mamba(normed, in) * ssm_out;
    const Tensor h_BTD = x_BTD + (mixed + self_attn(normed * attention_in, context) * attention_out);
    return h_BTD + feed_forward(pre_ff_layernorm(h_BTD));
  }

  double attention_in, attention_out, ssm_out;
};

struct FalconH1Model : nn::Backbone<FalconH1Config> {
  static constexpr nn::FieldName kBaseModelPrefix = "model";
  static constexpr const char* kInputEmbeddings = "embed_tokens.weight";
  nn::Embedding embed_tokens;
  std::vector<DecoderLayer> layers;
  nn::RMSNorm final_layernorm;
  FIELDS(embed_tokens, layers, final_layernorm)

  explicit FalconH1Model(const FalconH1Config& c)
      : Backbone(c),
        embed_tokens(c.vocab_size, c.hidden_size, c.pad_token_id),
        final_layernorm(c.hidden_size, c.rms_norm_eps),
        rotary_(nn::rotary_config(c)) {
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) layers.emplace_back(c, layer);
  }
  WeightMap weight_map() const override { return {.base_model_prefix = "model"}; }
  BaseModelOutput forward(const TextInputs& in) const override {
    nn::Recorder record(in);
    Tensor x_BTD = nn::embed(in, embed_tokens);
    if (!in.inputs_embeds) x_BTD = x_BTD * config().embedding_multiplier;
    const nn::RotaryContext context{rotary_(nn::position_ids(in, x_BTD), x_BTD.dtype()),
                                    nn::causal_attention(in, x_BTD, record)};
    const nn::AttentionDropout attention_dropout(config().attention_dropout);
    for (const DecoderLayer& layer : layers) x_BTD = layer(record(x_BTD), in, context);
    return record.finish(final_layernorm(x_BTD));
  }

 private:
  nn::Rotary rotary_;
};

struct ScaledLMHead : nn::LMHead {
  explicit ScaledLMHead(const FalconH1Config& c) : LMHead(c), multiplier(c.lm_head_multiplier) {}
  Tensor operator()(const Tensor& x_BTD) const { return LMHead::operator()(x_BTD) * multiplier; }
  double multiplier;
};

using FalconH1ForCausalLM = nn::ForCausalLM<FalconH1Model, ScaledLMHead>;

}  // namespace imago::falcon_h1

REGISTER_MODELS(falcon_h1, FalconH1Model, FalconH1ForCausalLM)
