// Gemma 3's texts in GGUF files, whose norms have the 1 in them.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {
namespace {

// What readers take for granted: every sixth layer sees all, and the others have positions of their own base.
constexpr int64_t kPattern = 6;
constexpr double kLocalTheta = 10000;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kUnsupported, "gguf", what); }

// What scores are divided by, squared: readers know one model, by its layers, in which it is not the size of a head.
int64_t score_divisor(const Json& config) {
  constexpr int64_t kLayersOf27B = 62;
  if (config.at("num_hidden_layers").get<int64_t>() != kLayersOf27B) return config.at("head_dim").get<int64_t>();
  return config.at("hidden_size").get<int64_t>() / config.at("num_attention_heads").get<int64_t>();
}

void complete_gemma3(const GgufSource& source, Json& config) {
  complete_rotary_decoder(source, config);
  config["query_pre_attn_scalar"] = score_divisor(config);
  config["rope_local_base_freq"] = kLocalTheta;
}

// The positions of layers that see all, as a decoder of one kind of layer has them.
Json of_full_layers(Json config) {
  constexpr double kTheta = 1'000'000;  // where config.json has none
  if (config.value("rope_theta", Json()).is_null()) config["rope_theta"] = kTheta;
  const auto of_types = config.find("rope_parameters");
  if (of_types == config.end() || !of_types->is_object() || !of_types->contains("full_attention")) return config;
  const Json sliding = of_types->value("sliding_attention", Json::object());
  if (sliding.value("rope_type", std::string("default")) != "default" ||
      sliding.value("rope_theta", kLocalTheta) != kLocalTheta)
    refuse(fmt::format("layers that see a window have other positions than of base {}", kLocalTheta));
  const Json full = of_types->at("full_attention");
  config["rope_parameters"] = full;
  return config;
}

void describe_gemma3(const Json& config, GgufTarget& target) {
  if (config.at("query_pre_attn_scalar") != score_divisor(config))
    refuse(fmt::format("query_pre_attn_scalar is not {}", score_divisor(config)));
  if (const auto local = config.find("rope_local_base_freq");
      local != config.end() && local->is_number() && local->get<double>() != kLocalTheta)
    refuse(fmt::format("rope_local_base_freq is not {}", kLocalTheta));
  const auto types = config.find("layer_types");
  if (types != config.end() && types->is_array()) {
    for (size_t i = 0; i < types->size(); ++i) {
      const bool full = (static_cast<int64_t>(i) + 1) % kPattern == 0;
      if ((*types)[i] != (full ? "full_attention" : "sliding_attention"))
        refuse("other layers than every sixth see all");
    }
  } else if (config.at("sliding_window_pattern") != kPattern) {
    refuse("other layers than every sixth see all");
  }
  if (const auto both = config.find("use_bidirectional_attention"); both != config.end() && *both == true)
    refuse("the architecture is a decoder: use_bidirectional_attention must be false");
  describe_rotary_decoder(of_full_layers(config), target);
}

}  // namespace

void register_gemma3_gguf(GgufArchitectures& architectures) {
  using Kind = GgufArchitecture::Kind;
  GgufArchitecture gemma3{.name = "gemma3",
                          .model_type = "gemma3_text",
                          .architecture = "Gemma3ForCausalLM",
                          .keys = rotary_decoder_keys(),
                          .tensors = {{"token_embd", "model.embed_tokens"},
                                      {"output_norm", "model.norm", "", 1},
                                      {"blk.*.attn_norm", "model.layers.*.input_layernorm", "", 1},
                                      {"blk.*.attn_q", "model.layers.*.self_attn.q_proj"},
                                      {"blk.*.attn_k", "model.layers.*.self_attn.k_proj"},
                                      {"blk.*.attn_v", "model.layers.*.self_attn.v_proj"},
                                      {"blk.*.attn_q_norm", "model.layers.*.self_attn.q_norm", "", 1},
                                      {"blk.*.attn_k_norm", "model.layers.*.self_attn.k_norm", "", 1},
                                      {"blk.*.attn_output", "model.layers.*.self_attn.o_proj"},
                                      {"blk.*.post_attention_norm", "model.layers.*.post_attention_layernorm", "", 1},
                                      {"blk.*.ffn_norm", "model.layers.*.pre_feedforward_layernorm", "", 1},
                                      {"blk.*.ffn_gate", "model.layers.*.mlp.gate_proj"},
                                      {"blk.*.ffn_up", "model.layers.*.mlp.up_proj"},
                                      {"blk.*.ffn_down", "model.layers.*.mlp.down_proj"},
                                      {"blk.*.post_ffw_norm", "model.layers.*.post_feedforward_layernorm", "", 1}},
                          .ignored_tensors = {},
                          .complete = complete_gemma3,
                          .describe = describe_gemma3,
                          .described = rotary_decoder_described(),
                          .left_out = {}};
  gemma3.keys.push_back({"attention.sliding_window", "sliding_window", Kind::kInteger, true});
  gemma3.described.insert(
      gemma3.described.end(),
      {"query_pre_attn_scalar", "layer_types", "sliding_window_pattern", "_sliding_window_pattern",
       "rope_local_base_freq", "use_bidirectional_attention", "hidden_act", "cache_implementation"});
  architectures.add(std::move(gemma3));
}

}  // namespace imago
