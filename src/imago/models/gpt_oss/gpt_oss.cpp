// B batch, T tokens, D hidden, N = B * T, E experts.
#include "imago/models/gpt_oss/gpt_oss.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"
#include "imago/ops/binary/binary.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/linear/linear.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/rms_norm/rms_norm.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/topk/topk.h"
#include "imago/ops/unary/unary.h"
#include "imago/quant/mxfp4/mxfp4_tensor.h"

namespace imago::gpt_oss {
namespace {

constexpr int64_t kBlock = 32;  // elements of MXFP4 with one scale

void check_quantization(const GptOssConfig& c) {
  const Json json = parse_json(c.quantization_config.text, "config.json: quantization_config");
  for (const auto& [key, value] : json.items()) {
    if (key == "modules_to_not_convert" || (key == "quant_method" && value == "mxfp4")) continue;
    throw Error(ErrorKind::kUnsupported, "config.json",
                fmt::format("quantization_config has {} {}", key, dump_json(value)),
                "known is quant_method mxfp4, of the experts");
  }
  if (c.hidden_size % kBlock == 0 && c.intermediate_size % kBlock == 0) return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              fmt::format("hidden_size {} and intermediate_size {} are no whole number of blocks of {}", c.hidden_size,
                          c.intermediate_size, kBlock));
}

}  // namespace

void GptOssConfig::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  nn::require_experts("num_local_experts", num_local_experts, num_experts_per_tok);
  if (has_mxfp4_experts()) check_quantization(*this);
}

nn::RotaryConfig rotary_config(const GptOssConfig& c) {
  JsonText parameters = c.rope_parameters;
  if (parameters.text.empty() && c.rope_scaling.text.empty()) {
    parameters.text = R"({"rope_type": "yarn", "factor": 32.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": false,
                          "original_max_position_embeddings": 4096})";
  }
  return nn::RotaryConfig::read(parameters, c.rope_scaling, c.rope_theta.value_or(150000), c.head_size(),
                                c.max_position_embeddings);
}

Tensor RMSNorm::operator()(const Tensor& x) const {
  const ErrorScope scope(path);
  return cast(rms_norm(widen(x), widen(weight), eps), x.dtype());
}

Attention::Attention(const GptOssConfig& c, int64_t layer)
    : GroupedQueryProjections({.hidden_size = c.hidden_size,
                               .heads = c.num_attention_heads,
                               .key_value_heads = c.key_value_heads(),
                               .head_size = c.head_size(),
                               .layer = layer,
                               .bias = c.attention_bias,
                               .output_bias = c.attention_bias,
                               .window = nn::layer_window(c.layer_types, layer, c.sliding_window, layer % 2 == 0)}),
      sinks(parameter({c.num_attention_heads})) {}

ExpertMatrices::ExpertMatrices(const GptOssConfig& c, int64_t in, int64_t out)
    : bias(parameter({c.num_local_experts, out})) {
  if (c.has_mxfp4_experts()) {
    blocks = parameter({c.num_local_experts, out, in / kBlock, kBlock / 2}, DType::u8);
    scales = parameter({c.num_local_experts, out, in / kBlock}, DType::u8);
  } else {
    plain = parameter({c.num_local_experts, in, out});
  }
}

Tensor ExpertMatrices::operator()(int64_t expert, const Tensor& x) const {
  const Tensor weight = plain ? transpose(select(plain, 0, expert), 0, 1)
                              : quant::mxfp4_matrix(select(blocks, 0, expert), select(scales, 0, expert), x.dtype());
  return linear(x, weight, select(bias, 0, expert));
}

Experts::Experts(const GptOssConfig& c)
    : gate_up(c, c.hidden_size, 2 * c.intermediate_size),
      down(c, c.intermediate_size, c.hidden_size),
      alpha(c.swiglu_alpha),
      limit(c.swiglu_limit) {}

void Experts::each_field(FieldVisitor& visitor) {
  imago::internal::visit_fields(visitor,
                                "gate_up_proj, gate_up_proj_blocks, gate_up_proj_scales, gate_up_proj_bias, down_proj, "
                                "down_proj_blocks, down_proj_scales, down_proj_bias",
                                gate_up.plain, gate_up.blocks, gate_up.scales, gate_up.bias, down.plain, down.blocks,
                                down.scales, down.bias);
}

// Gate and input stand in turn.
Tensor Experts::operator()(int64_t expert, const Tensor& x) const {
  const Tensor both = gate_up(expert, x);
  const Tensor gate = clamp(slice(both, 1, 0, kEnd, 2), std::nullopt, limit);
  const Tensor up = clamp(slice(both, 1, 1, kEnd, 2), -limit, limit);
  return down(expert, (up + 1.0) * (gate * sigmoid(gate * alpha)));
}

MLP::MLP(const GptOssConfig& c, int64_t)
    : router(c.hidden_size, c.num_local_experts),
      experts(c),
      num_experts(c.num_local_experts),
      num_experts_per_tok(c.num_experts_per_tok) {}

Tensor MLP::operator()(const Tensor& x_BTD) const {
  const Tensor x_ND = flatten(x_BTD, 0, 1);
  const Tensor logits_NE = router(x_ND);
  nn::RouterLogits::record(logits_NE);
  const SortResult best = topk(logits_NE, num_experts_per_tok);
  const Tensor mixed = nn::mix_experts(x_ND, {best.indices, softmax(best.values, -1)}, num_experts,
                                       [this](int64_t expert, const Tensor& x) { return experts(expert, x); });
  return reshape(mixed, x_BTD.shape());
}

WeightMap GptOssModel::weight_map() const {
  WeightMap map = RotaryDecoder::weight_map();
  map.keep_in_float32 = {"*layernorm.weight", "*norm.weight"};
  return map;
}

}  // namespace imago::gpt_oss

REGISTER_MODELS(gpt_oss, GptOssModel, GptOssForCausalLM, GptOssForSequenceClassification, GptOssForTokenClassification)
