// Qwen3 in GGUF files.
#include "imago/io/gguf_decoder.h"

namespace imago {

void register_qwen3_gguf(GgufArchitectures& architectures) {
  GgufArchitecture qwen3 = windowless_decoder("qwen3", "Qwen3ForCausalLM");
  qwen3.tensors.insert(qwen3.tensors.end(), {{"blk.*.attn_q_norm", "model.layers.*.self_attn.q_norm"},
                                             {"blk.*.attn_k_norm", "model.layers.*.self_attn.k_norm"}});
  architectures.add(std::move(qwen3));
}

}  // namespace imago
