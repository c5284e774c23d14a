// Phi-3 in GGUF files, without the factors of its long contexts.

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {
namespace {

void describe_phi3(const Json& config, GgufTarget& target) {
  const auto part = config.find("partial_rotary_factor");
  if (part != config.end() && !part->is_null() && *part != 1.0) {
    throw Error(ErrorKind::kUnsupported, "gguf", "only a part of each head's channels is rotated");
  }
  describe_rotary_decoder(config, target);
}

}  // namespace

void register_phi3_gguf(GgufArchitectures& architectures) {
  GgufArchitecture phi3{.name = "phi3",
                        .model_type = "phi3",
                        .architecture = "Phi3ForCausalLM",
                        .keys = rotary_decoder_keys(),
                        .tensors = {{"token_embd", "model.embed_tokens"},
                                    {"output_norm", "model.norm"},
                                    {"output", "lm_head"},
                                    {"blk.*.attn_norm", "model.layers.*.input_layernorm"},
                                    {"blk.*.attn_qkv", "model.layers.*.self_attn.qkv_proj"},
                                    {"blk.*.attn_output", "model.layers.*.self_attn.o_proj"},
                                    {"blk.*.ffn_norm", "model.layers.*.post_attention_layernorm"},
                                    {"blk.*.ffn_up", "model.layers.*.mlp.gate_up_proj"},
                                    {"blk.*.ffn_down", "model.layers.*.mlp.down_proj"}},
                        .ignored_tensors = {},
                        .complete = complete_rotary_decoder,
                        .describe = describe_phi3,
                        .described = rotary_decoder_described(),
                        .left_out = {}};
  phi3.keys.push_back({"attention.sliding_window", "sliding_window"});
  // Of the original length nothing is computed without factors; attention_bias is of no effect.
  phi3.described.insert(phi3.described.end(),
                        {"partial_rotary_factor", "original_max_position_embeddings", "attention_bias"});
  architectures.add(std::move(phi3));
}

}  // namespace imago
