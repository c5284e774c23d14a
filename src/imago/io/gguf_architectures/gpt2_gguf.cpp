// GPT-2 in GGUF files.

#include "imago/base/json.h"
#include "imago/io/gguf_architecture.h"

namespace imago {
namespace {

void complete_gpt2(const GgufSource& source, Json& config) {
  config["vocab_size"] = source.shape("token_embd.weight")[0];
  config["tie_word_embeddings"] = !source.has_tensor("output.weight");
}

void describe_gpt2(const Json& config, GgufTarget& target) {
  const auto inner = config.find("n_inner");
  target.entries.add_integer(target.key("feed_forward_length"), inner == config.end() || inner->is_null()
                                                                    ? 4 * config.at("n_embd").get<int64_t>()
                                                                    : inner->get<int64_t>());
  target.entries.add_integer(target.key("vocab_size"), config.at("vocab_size").get<int64_t>());
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
      .describe = describe_gpt2,
      // The summary is of another head.
      .described = {"vocab_size", "n_inner", "summary_type", "summary_use_proj", "summary_proj_to_labels",
                    "summary_activation"},
      .left_out = {},
  });
}

}  // namespace imago
