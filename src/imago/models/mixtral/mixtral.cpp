#include "imago/models/mixtral/mixtral.h"

#include "imago/base/error.h"
#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"
#include "imago/ops/operators.h"

namespace imago::mixtral {

MixtralConfig::MixtralConfig() {
  tie_word_embeddings = false;
  bos_token_id = 1;
  eos_token_id = {2};
}

void MixtralConfig::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  nn::require_experts("num_local_experts", num_local_experts, num_experts_per_tok);
}

Attention::Attention(const MixtralConfig& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.key_value_heads(),
                             .head_size = c.head_size(),
                             .layer = layer,
                             .window = nn::layer_window({}, layer, c.sliding_window, true)}) {}

Tensor SparseMoeBlock::operator()(const Tensor& x_BTD) const {
  TorchGenerator* const generator = nn::training_generator();
  if (jitter == 0 || generator == nullptr) return MixtureOfExperts::operator()(x_BTD);
  if (x_BTD.dtype() != DType::f32)
    throw Error(ErrorKind::kUnsupported, "train", "router_jitter_noise in half precision",
                "set it to 0: torch draws other numbers there");
  return MixtureOfExperts::operator()(x_BTD * generator->uniform(x_BTD.shape(), 1 - jitter, 1 + jitter));
}

SparseMoeBlock::SparseMoeBlock(const MixtralConfig& c, int64_t)
    : MixtureOfExperts({.hidden_size = c.hidden_size,
                        .intermediate_size = c.intermediate_size,
                        .num_experts = c.num_local_experts,
                        .num_experts_per_tok = c.num_experts_per_tok,
                        .activation = c.hidden_act}),
      jitter(c.router_jitter_noise) {}

WeightMap MixtralModel::weight_map() const {
  WeightMap map = RotaryDecoder::weight_map();
  map.rules = {{"*block_sparse_moe.gate.weight", "*mlp.gate.weight"},
               {"*block_sparse_moe.experts.*.w1.weight", "*mlp.experts.*.gate_proj.weight"},
               {"*block_sparse_moe.experts.*.w2.weight", "*mlp.experts.*.down_proj.weight"},
               {"*block_sparse_moe.experts.*.w3.weight", "*mlp.experts.*.up_proj.weight"}};
  map.stacked = nn::stacked_experts();
  return map;
}

}  // namespace imago::mixtral

REGISTER_MODELS(mixtral, MixtralModel, MixtralForCausalLM, MixtralForSequenceClassification,
                MixtralForTokenClassification, MixtralForQuestionAnswering)
