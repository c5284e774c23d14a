#include "imago/models/qwen3_moe/qwen3_moe.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"

namespace imago::qwen3_moe {

void Qwen3MoeConfig::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  if (decoder_sparse_step < 1) {
    throw Error(ErrorKind::kInvalidFile, "config.json", fmt::format("decoder_sparse_step is {}", decoder_sparse_step));
  }
  int64_t first = 0;  // layer with experts
  while (first < num_hidden_layers && !is_sparse(first)) ++first;
  if (output_router_logits && first >= num_hidden_layers)
    throw Error(ErrorKind::kInvalidFile, "config.json", "output_router_logits of a model whose layers have no experts");
  if (experts() > 0) nn::require_experts("num_experts", experts(), num_experts_per_tok);
}

bool Qwen3MoeConfig::is_sparse(int64_t layer) const {
  const bool dense =
      mlp_only_layers && std::find(mlp_only_layers->begin(), mlp_only_layers->end(), layer) != mlp_only_layers->end();
  return !dense && experts() > 0 && (layer + 1) % decoder_sparse_step == 0;
}

Attention::Attention(const Qwen3MoeConfig& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.key_value_heads(),
                             .head_size = c.head_size(),
                             .layer = layer,
                             .bias = c.attention_bias,
                             .output_bias = c.attention_bias,
                             .window = nn::layer_window({}, layer, c.sliding_window, c.use_sliding_window),
                             .norm = nn::QueryKeyNorm::kEachHead,
                             .norm_eps = c.rms_norm_eps}) {}

MLP::MLP(const Qwen3MoeConfig& c, int64_t layer) {
  if (!c.is_sparse(layer)) {
    dense.emplace(c.hidden_size, c.intermediate_size, c.hidden_act);
    return;
  }
  sparse.emplace(nn::MixtureOptions{.hidden_size = c.hidden_size,
                                    .intermediate_size = c.moe_intermediate_size,
                                    .num_experts = c.experts(),
                                    .num_experts_per_tok = c.num_experts_per_tok,
                                    .activation = c.hidden_act,
                                    .normalise = c.norm_topk_prob,
                                    .weights_in_float32 = false});
}

WeightMap Qwen3MoeModel::weight_map() const {
  WeightMap map = RotaryDecoder::weight_map();
  map.stacked = nn::stacked_experts();
  return map;
}

}  // namespace imago::qwen3_moe

REGISTER_MODELS(qwen3_moe, Qwen3MoeModel, Qwen3MoeForCausalLM, Qwen3MoeForSequenceClassification,
                Qwen3MoeForTokenClassification, Qwen3MoeForQuestionAnswering)
