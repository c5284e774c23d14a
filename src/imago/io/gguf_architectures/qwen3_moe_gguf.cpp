// Qwen3's mixtures of experts in GGUF files, which have the experts of a layer in one tensor.
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {
namespace {

int64_t experts_of(const Json& config) {
  constexpr int64_t kOtherwise = 128;
  for (const char* key : {"num_local_experts", "num_experts"}) {
    if (const auto found = config.find(key); found != config.end() && found->is_number()) return found->get<int64_t>();
  }
  return kOtherwise;
}

void complete_qwen3_moe(const GgufSource& source, Json& config) {
  complete_rotary_mixture(source, config);
  config["num_experts"] = source.integer("expert_count");
  config["norm_topk_prob"] = true;
}

void describe_qwen3_moe(const Json& config, GgufTarget& target) {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::kUnsupported, "gguf", what); };
  const auto dense = config.find("mlp_only_layers");
  const bool some_dense = dense != config.end() && dense->is_array() && !dense->empty();
  if (some_dense || config.at("decoder_sparse_step") != 1) refuse("the architecture has experts in every layer");
  if (config.at("norm_topk_prob") != true) refuse("norm_topk_prob must be true: readers take it for granted");
  if (config.at("use_sliding_window") == true) refuse("the architecture has no layers that see a window only");
  target.entries.add_integer(target.key("expert_count"), experts_of(config));
  describe_rotary_decoder(config, target);
}

}  // namespace

void register_qwen3_moe_gguf(GgufArchitectures& architectures) {
  using Kind = GgufArchitecture::Kind;
  GgufArchitecture moe{.name = "qwen3moe",
                       .model_type = "qwen3_moe",
                       .architecture = "Qwen3MoeForCausalLM",
                       .keys = rotary_decoder_keys(),
                       .tensors = rotary_decoder_tensors(false),
                       .ignored_tensors = {},
                       .complete = complete_qwen3_moe,
                       .describe = describe_qwen3_moe,
                       .described = rotary_decoder_described(),
                       .left_out = {}};
  std::erase_if(moe.keys, [](const GgufArchitecture::Key& rule) { return rule.key == "expert_used_count"; });
  moe.keys.insert(moe.keys.end(), {{"expert_used_count", "num_experts_per_tok", Kind::kInteger, true},
                                   {"expert_feed_forward_length", "moe_intermediate_size", Kind::kInteger, true}});
  std::erase_if(moe.tensors, [](const GgufArchitecture::Tensor& rule) {
    return rule.gguf == "blk.*.ffn_gate" || rule.gguf == "blk.*.ffn_up" || rule.gguf == "blk.*.ffn_down";
  });
  moe.tensors.insert(moe.tensors.end(), {{"blk.*.attn_q_norm", "model.layers.*.self_attn.q_norm"},
                                         {"blk.*.attn_k_norm", "model.layers.*.self_attn.k_norm"},
                                         {"blk.*.ffn_gate_inp", "model.layers.*.mlp.gate"},
                                         {"blk.*.ffn_gate_exps", "model.layers.*.mlp.experts.*.gate_proj"},
                                         {"blk.*.ffn_up_exps", "model.layers.*.mlp.experts.*.up_proj"},
                                         {"blk.*.ffn_down_exps", "model.layers.*.mlp.experts.*.down_proj"}});
  moe.described.insert(
      moe.described.end(),
      {"num_experts", "num_local_experts", "decoder_sparse_step", "mlp_only_layers", "norm_topk_prob",
       "output_router_logits", "router_aux_loss_coef", "use_sliding_window", "sliding_window", "max_window_layers"});
  architectures.add(std::move(moe));
}

}  // namespace imago
