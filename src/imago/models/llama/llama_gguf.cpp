// Llama in GGUF files.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/gguf_architecture.h"

namespace imago {
namespace {

// Llama 3.1 stretches its positions by a factor of each frequency, which the file lists. As such a list it is what the
// Hub calls longrope, with one list for all lengths.
void read_rotary(const GgufSource& source, int64_t head_dim, Json& config) {
  const auto type = source.header.metadata.text(source.key("rope.scaling.type")).value_or("none");
  if (source.has_tensor("rope_freqs.weight")) {
    if (type != "none") {
      throw Error(ErrorKind::kUnsupported, "gguf", fmt::format("rope_freqs.weight with rope.scaling.type {}", type));
    }
    const std::vector<double> factors = source.floats("rope_freqs.weight");
    config["rope_scaling"] = {
        {"rope_type", "longrope"}, {"short_factor", factors}, {"long_factor", factors}, {"attention_factor", 1.0}};
  } else if (type == "linear") {
    config["rope_scaling"] = {{"rope_type", "linear"}, {"factor", source.number("rope.scaling.factor")}};
  } else if (type == "yarn") {
    config["rope_scaling"] = {
        {"rope_type", "yarn"},
        {"factor", source.number("rope.scaling.factor")},
        {"original_max_position_embeddings", source.integer("rope.scaling.original_context_length")}};
  } else if (type != "none") {
    throw Error(ErrorKind::kUnsupported, "gguf", fmt::format("rope.scaling.type is {}", type));
  }
  const auto rotated = source.header.metadata.integer(source.key("rope.dimension_count"));
  if (rotated && *rotated != head_dim) {
    throw Error(ErrorKind::kUnsupported, "gguf", fmt::format("{} of {} channels are rotated", *rotated, head_dim));
  }
}

void complete(const GgufSource& source, Json& config) {
  const auto entry = [&](std::string_view name) { return source.header.metadata.integer(source.key(name)); };
  if (entry("expert_count").value_or(0) != 0) {
    throw Error(ErrorKind::kUnsupported, "gguf", "mixtures of experts have an architecture of their own");
  }
  const int64_t heads = source.integer("attention.head_count");
  if (heads < 1) throw Error(ErrorKind::kInvalidFile, "gguf", fmt::format("attention.head_count is {}", heads));
  const int64_t head_dim = entry("attention.key_length").value_or(source.integer("embedding_length") / heads);
  if (entry("attention.value_length").value_or(head_dim) != head_dim) {
    throw Error(ErrorKind::kUnsupported, "gguf", "keys and values have different lengths");
  }
  read_rotary(source, head_dim, config);
  config["vocab_size"] = source.shape("token_embd.weight")[0];
  config["tie_word_embeddings"] = !source.has_tensor("output.weight");
  config["attention_bias"] = source.has_tensor("blk.0.attn_q.bias");
  config["mlp_bias"] = source.has_tensor("blk.0.ffn_up.bias");
}

}  // namespace

void register_llama_gguf(GgufArchitectures& architectures) {
  using Kind = GgufArchitecture::Kind;
  architectures.add({
      .name = "llama",
      .model_type = "llama",
      .architecture = "LlamaForCausalLM",
      .keys = {{"context_length", "max_position_embeddings", Kind::kInteger, true},
               {"embedding_length", "hidden_size", Kind::kInteger, true},
               {"block_count", "num_hidden_layers", Kind::kInteger, true},
               {"feed_forward_length", "intermediate_size", Kind::kInteger, true},
               {"attention.head_count", "num_attention_heads", Kind::kInteger, true},
               {"attention.head_count_kv", "num_key_value_heads"},
               {"attention.key_length", "head_dim"},
               {"attention.layer_norm_rms_epsilon", "rms_norm_eps", Kind::kNumber, true},
               {"rope.freq_base", "rope_theta", Kind::kNumber},
               {"attention.value_length", "", Kind::kIgnored},
               {"rope.dimension_count", "", Kind::kIgnored},
               {"rope.scaling.type", "", Kind::kIgnored},
               {"rope.scaling.factor", "", Kind::kIgnored},
               {"rope.scaling.original_context_length", "", Kind::kIgnored},
               {"rope.scaling.finetuned", "", Kind::kIgnored},
               {"expert_count", "", Kind::kIgnored},
               {"expert_used_count", "", Kind::kIgnored},
               {"vocab_size", "", Kind::kIgnored}},
      .tensors = {{"token_embd", "model.embed_tokens"},
                  {"output_norm", "model.norm"},
                  {"output", "lm_head"},
                  {"blk.*.attn_norm", "model.layers.*.input_layernorm"},
                  {"blk.*.attn_q", "model.layers.*.self_attn.q_proj", "attention.head_count"},
                  {"blk.*.attn_k", "model.layers.*.self_attn.k_proj", "attention.head_count_kv"},
                  {"blk.*.attn_v", "model.layers.*.self_attn.v_proj"},
                  {"blk.*.attn_output", "model.layers.*.self_attn.o_proj"},
                  {"blk.*.ffn_norm", "model.layers.*.post_attention_layernorm"},
                  {"blk.*.ffn_gate", "model.layers.*.mlp.gate_proj"},
                  {"blk.*.ffn_up", "model.layers.*.mlp.up_proj"},
                  {"blk.*.ffn_down", "model.layers.*.mlp.down_proj"}},
      .ignored_tensors = {"rope_freqs.weight"},
      .complete = complete,
  });
}

}  // namespace imago
