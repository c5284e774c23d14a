#include "imago/models/mixtral/mixtral.h"

#include "imago/nn/layer_window.h"
#include "imago/nn/registry.h"

namespace imago::mixtral {

MixtralConfig::MixtralConfig() {
  tie_word_embeddings = false;
  bos_token_id = 1;
  eos_token_id = {2};
}

void MixtralConfig::validate() const {
  require_heads("num_attention_heads", num_attention_heads, "num_key_value_heads", key_value_heads());
  nn::require_experts("num_local_experts", num_local_experts, num_experts_per_tok);
  nn::refuse_router_logits(output_router_logits);
}

Attention::Attention(const MixtralConfig& c, int64_t layer)
    : GroupedQueryAttention({.hidden_size = c.hidden_size,
                             .heads = c.num_attention_heads,
                             .key_value_heads = c.key_value_heads(),
                             .head_size = c.head_size(),
                             .layer = layer,
                             .window = nn::layer_window({}, layer, c.sliding_window, true)}) {}

SparseMoeBlock::SparseMoeBlock(const MixtralConfig& c, int64_t)
    : MixtureOfExperts({.hidden_size = c.hidden_size,
                        .intermediate_size = c.intermediate_size,
                        .num_experts = c.num_local_experts,
                        .num_experts_per_tok = c.num_experts_per_tok,
                        .activation = c.hidden_act}) {}

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

namespace imago {

void register_mixtral(Registry& registry) {
  using namespace mixtral;
  registry.add<MixtralModel>("MixtralModel");
  registry.add<MixtralForCausalLM>("MixtralForCausalLM");
  registry.add<MixtralForSequenceClassification>("MixtralForSequenceClassification");
  registry.add<MixtralForTokenClassification>("MixtralForTokenClassification");
  registry.add<MixtralForQuestionAnswering>("MixtralForQuestionAnswering");
}

}  // namespace imago
