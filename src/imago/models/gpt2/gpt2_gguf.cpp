// GPT-2 in GGUF files.

#include "imago/base/json.h"
#include "imago/io/gguf_architecture.h"

namespace imago {
namespace {

void complete_gpt2(const GgufSource& source, Json& config) {
  config["vocab_size"] = source.shape("token_embd.weight")[0];
  config["tie_word_embeddings"] = !source.has_tensor("output.weight");
}

}  // namespace

void register_gpt2_gguf(GgufArchitectures& architectures) {
  using Kind = GgufArchitecture::Kind;
  architectures.add({
      .name = "gpt2",
      .model_type = "gpt2",
      .architecture = "GPT2LMHeadModel",
      .keys = {{"context_length", "n_positions", Kind::kInteger, true},
               {"embedding_length", "n_embd", Kind::kInteger, true},
               {"block_count", "n_layer", Kind::kInteger, true},
               {"feed_forward_length", "n_inner", Kind::kInteger, true},
               {"attention.head_count", "n_head", Kind::kInteger, true},
               {"attention.layer_norm_epsilon", "layer_norm_epsilon", Kind::kNumber, true},
               {"vocab_size", "", Kind::kIgnored}},
      .tensors = {{"token_embd", "transformer.wte"},
                  {"position_embd", "transformer.wpe"},
                  {"output_norm", "transformer.ln_f"},
                  {"output", "lm_head"},
                  {"blk.*.attn_norm", "transformer.h.*.ln_1"},
                  {"blk.*.attn_qkv", "transformer.h.*.attn.c_attn"},
                  {"blk.*.attn_output", "transformer.h.*.attn.c_proj"},
                  {"blk.*.ffn_norm", "transformer.h.*.ln_2"},
                  {"blk.*.ffn_up", "transformer.h.*.mlp.c_fc"},
                  {"blk.*.ffn_down", "transformer.h.*.mlp.c_proj"}},
      .ignored_tensors = {},
      .complete = complete_gpt2,
  });
}

}  // namespace imago
