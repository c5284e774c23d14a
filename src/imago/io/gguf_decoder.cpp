#include "imago/io/gguf_decoder.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/nn/rotary.h"

namespace imago {
namespace {

constexpr const char* kWhere = "gguf";

// Llama 3.1 stretches its positions by a factor of each frequency, which the file lists. As such a list it is what the
// Hub calls longrope, with one list for all lengths.
void read_rotary(const GgufSource& source, int64_t head_dim, Json& config) {
  const auto type = source.header.metadata.text(source.key("rope.scaling.type")).value_or("none");
  if (source.has_tensor("rope_freqs.weight")) {
    if (type != "none") {
      throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("rope_freqs.weight with rope.scaling.type {}", type));
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
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("rope.scaling.type is {}", type));
  }
  const auto rotated = source.header.metadata.integer(source.key("rope.dimension_count"));
  if (rotated && *rotated != head_dim) {
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("{} of {} channels are rotated", *rotated, head_dim));
  }
}

JsonText text_of(const Json& config, const char* key) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? JsonText{} : JsonText{dump_json(*found)};
}

template <class T>
T value_or(const Json& config, const char* key, T missing) {
  const auto found = config.find(key);
  return found == config.end() || found->is_null() ? missing : found->get<T>();
}

// How much longer the wave of each pair of channels is than without stretching.
std::vector<float> frequency_factors(const nn::RotaryConfig& stretched) {
  nn::RotaryConfig plain = stretched;
  plain.rope_type = "default";
  const std::vector<double> before = nn::Rotary(plain).inverse_frequencies(0),
                            after = nn::Rotary(stretched).inverse_frequencies(0);
  std::vector<float> factors;
  for (size_t i = 0; i < before.size(); ++i) factors.push_back(static_cast<float>(before[i] / after[i]));
  return factors;
}

void describe_rotary(const nn::RotaryConfig& rotary, GgufTarget& target) {
  target.entries.add_number(target.key("rope.freq_base"), rotary.rope_theta);
  if (rotary.partial_rotary_factor != 1) {
    throw Error(ErrorKind::kUnsupported, kWhere, "only a part of each head's channels is rotated");
  }
  const std::string& type = rotary.rope_type;
  if (type == "llama3") {
    target.tensors.emplace_back("rope_freqs.weight", frequency_factors(rotary));
    return;
  }
  if (type == "default") return;
  const bool own_attention = rotary.attention_factor || rotary.mscale || rotary.mscale_all_dim || rotary.beta_fast ||
                             rotary.beta_slow || !rotary.truncate;
  if ((type != "linear" && type != "yarn") || !rotary.factor || own_attention) {
    throw Error(ErrorKind::kUnsupported, kWhere, fmt::format("the format has no words for these positions: {}", type));
  }
  target.entries.add_text(target.key("rope.scaling.type"), type);
  target.entries.add_number(target.key("rope.scaling.factor"), *rotary.factor);
  if (type == "yarn") {
    target.entries.add_integer(target.key("rope.scaling.original_context_length"),
                               rotary.original_max_position_embeddings);
  }
}

}  // namespace

std::vector<GgufArchitecture::Key> rotary_decoder_keys() {
  using Kind = GgufArchitecture::Kind;
  return {{"context_length", "max_position_embeddings", Kind::kInteger, true},
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
          {"vocab_size", "", Kind::kIgnored}};
}

std::vector<GgufArchitecture::Tensor> rotary_decoder_tensors(bool pairs) {
  return {{"token_embd", "model.embed_tokens"},
          {"output_norm", "model.norm"},
          {"output", "lm_head"},
          {"blk.*.attn_norm", "model.layers.*.input_layernorm"},
          {"blk.*.attn_q", "model.layers.*.self_attn.q_proj", pairs ? "attention.head_count" : ""},
          {"blk.*.attn_k", "model.layers.*.self_attn.k_proj", pairs ? "attention.head_count_kv" : ""},
          {"blk.*.attn_v", "model.layers.*.self_attn.v_proj"},
          {"blk.*.attn_output", "model.layers.*.self_attn.o_proj"},
          {"blk.*.ffn_norm", "model.layers.*.post_attention_layernorm"},
          {"blk.*.ffn_gate", "model.layers.*.mlp.gate_proj"},
          {"blk.*.ffn_up", "model.layers.*.mlp.up_proj"},
          {"blk.*.ffn_down", "model.layers.*.mlp.down_proj"}};
}

void complete_rotary_decoder(const GgufSource& source, Json& config) {
  if (source.header.metadata.integer(source.key("expert_count")).value_or(0) != 0)
    throw Error(ErrorKind::kUnsupported, kWhere, "mixtures of experts have an architecture of their own");
  complete_rotary_mixture(source, config);
}

void complete_rotary_mixture(const GgufSource& source, Json& config) {
  const auto entry = [&](std::string_view name) { return source.header.metadata.integer(source.key(name)); };
  const int64_t heads = source.integer("attention.head_count");
  if (heads < 1) throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("attention.head_count is {}", heads));
  const int64_t head_dim = entry("attention.key_length").value_or(source.integer("embedding_length") / heads);
  if (entry("attention.value_length").value_or(head_dim) != head_dim) {
    throw Error(ErrorKind::kUnsupported, kWhere, "keys and values have different lengths");
  }
  read_rotary(source, head_dim, config);
  config["head_dim"] = head_dim;
  config["num_key_value_heads"] = entry("attention.head_count_kv").value_or(heads);
  config["vocab_size"] = source.shape("token_embd.weight")[0];
  config["tie_word_embeddings"] = !source.has_tensor("output.weight");
}

std::vector<std::string_view> rotary_decoder_described() {
  return {"vocab_size", "num_key_value_heads", "head_dim", "rope_theta", "rope_parameters", "rope_scaling"};
}

void describe_rotary_decoder(const Json& config, GgufTarget& target) {
  const auto heads = value_or<int64_t>(config, "num_attention_heads", 0);
  const auto head_dim = value_or<int64_t>(config, "head_dim", config.at("hidden_size").get<int64_t>() / heads);
  target.entries.add_integer(target.key("attention.head_count_kv"),
                             value_or<int64_t>(config, "num_key_value_heads", heads));
  target.entries.add_integer(target.key("attention.key_length"), head_dim);
  target.entries.add_integer(target.key("attention.value_length"), head_dim);
  target.entries.add_integer(target.key("rope.dimension_count"), head_dim);
  target.entries.add_integer(target.key("vocab_size"), config.at("vocab_size").get<int64_t>());
  const auto theta = config.find("rope_theta");
  describe_rotary(
      nn::RotaryConfig::read(
          text_of(config, "rope_parameters"), text_of(config, "rope_scaling"),
          theta == config.end() || theta->is_null() ? std::nullopt : std::optional<double>(theta->get<double>()),
          head_dim, config.at("max_position_embeddings").get<int64_t>()),
      target);
}

namespace {

// A window that is switched off is of no effect, whatever its size.
void describe_windowless_decoder(const Json& config, GgufTarget& target) {
  const auto types = config.find("layer_types");
  const bool listed = types != config.end() && types->is_array() &&
                      std::any_of(types->begin(), types->end(), [](const Json& t) { return t != "full_attention"; });
  if (listed || config.at("use_sliding_window").get<bool>()) {
    throw Error(ErrorKind::kUnsupported, "gguf", "the architecture has no layers that see a window only");
  }
  describe_rotary_decoder(config, target);
}

}  // namespace

GgufArchitecture windowless_decoder(const char* name, const char* architecture) {
  GgufArchitecture decoder{.name = name,
                           .model_type = name,
                           .architecture = architecture,
                           .keys = rotary_decoder_keys(),
                           .tensors = rotary_decoder_tensors(false),
                           .ignored_tensors = {},
                           .complete = complete_rotary_decoder,
                           .describe = describe_windowless_decoder,
                           .described = rotary_decoder_described(),
                           .left_out = {}};
  decoder.described.insert(decoder.described.end(),
                           {"use_sliding_window", "sliding_window", "max_window_layers", "layer_types"});
  return decoder;
}

}  // namespace imago
