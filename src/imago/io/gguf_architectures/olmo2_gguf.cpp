// OLMo 2 in GGUF files: norms behind attention and MLP, and over all heads of q and k.
#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {

void register_olmo2_gguf(GgufArchitectures& architectures) {
  GgufArchitecture olmo2{.name = "olmo2",
                         .model_type = "olmo2",
                         .architecture = "Olmo2ForCausalLM",
                         .keys = rotary_decoder_keys(),
                         .tensors = rotary_decoder_tensors(false),
                         .ignored_tensors = {},
                         .complete = complete_rotary_decoder,
                         .describe = describe_rotary_decoder,
                         .described = rotary_decoder_described(),
                         .left_out = {}};
  std::erase_if(olmo2.tensors, [](const GgufArchitecture::Tensor& rule) {
    return rule.gguf == "blk.*.attn_norm" || rule.gguf == "blk.*.ffn_norm";
  });
  olmo2.tensors.insert(olmo2.tensors.end(), {{"blk.*.attn_q_norm", "model.layers.*.self_attn.q_norm"},
                                             {"blk.*.attn_k_norm", "model.layers.*.self_attn.k_norm"},
                                             {"blk.*.post_attention_norm", "model.layers.*.post_attention_layernorm"},
                                             {"blk.*.post_ffw_norm", "model.layers.*.post_feedforward_layernorm"}});
  architectures.add(std::move(olmo2));
}

}  // namespace imago
