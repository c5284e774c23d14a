// Mixtral in GGUF files, where it is a Llama with experts.
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {
namespace {

void describe_mixtral(const Json& config, GgufTarget& target) {
  const auto window = config.find("sliding_window");
  if (window != config.end() && !window->is_null())
    throw Error(ErrorKind::kUnsupported, "gguf", "the architecture has no layers that see a window only");
  describe_rotary_decoder(config, target);
}

}  // namespace

void register_mixtral_gguf(GgufArchitectures& architectures) {
  using Kind = GgufArchitecture::Kind;
  GgufArchitecture mixtral{.name = "llama",
                           .model_type = "mixtral",
                           .architecture = "MixtralForCausalLM",
                           .keys = rotary_decoder_keys(),
                           .tensors = rotary_decoder_tensors(true),
                           .ignored_tensors = {},
                           .complete = complete_rotary_mixture,
                           .describe = describe_mixtral,
                           .described = rotary_decoder_described(),
                           .left_out = {},
                           .has_experts = true};
  std::erase_if(mixtral.keys, [](const GgufArchitecture::Key& rule) { return rule.key.starts_with("expert_"); });
  mixtral.keys.insert(mixtral.keys.end(), {{"expert_count", "num_local_experts", Kind::kInteger, true},
                                           {"expert_used_count", "num_experts_per_tok", Kind::kInteger, true}});
  std::erase_if(mixtral.tensors, [](const GgufArchitecture::Tensor& rule) {
    return rule.gguf == "blk.*.ffn_gate" || rule.gguf == "blk.*.ffn_up" || rule.gguf == "blk.*.ffn_down";
  });
  mixtral.tensors.insert(mixtral.tensors.end(),
                         {{"blk.*.ffn_gate_inp", "model.layers.*.block_sparse_moe.gate"},
                          {"blk.*.ffn_gate_exps", "model.layers.*.block_sparse_moe.experts.*.w1"},
                          {"blk.*.ffn_up_exps", "model.layers.*.block_sparse_moe.experts.*.w3"},
                          {"blk.*.ffn_down_exps", "model.layers.*.block_sparse_moe.experts.*.w2"}});
  mixtral.described.insert(mixtral.described.end(),
                           {"sliding_window", "output_router_logits", "router_aux_loss_coef", "router_jitter_noise"});
  architectures.add(std::move(mixtral));
}

}  // namespace imago
