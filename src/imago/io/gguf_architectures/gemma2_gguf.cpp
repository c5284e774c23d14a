// Gemma 2 in GGUF files, whose norms have the 1 in them.
#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {
namespace {

// What scores are divided by, squared: readers know one model, by its layers, in which it is not the size of a head.
int64_t score_divisor(const Json& config) {
  constexpr int64_t kLayersOf27B = 46;
  if (config.at("num_hidden_layers").get<int64_t>() != kLayersOf27B) return config.at("head_dim").get<int64_t>();
  return config.at("hidden_size").get<int64_t>() / config.at("num_attention_heads").get<int64_t>();
}

void complete_gemma2(const GgufSource& source, Json& config) {
  complete_rotary_decoder(source, config);
  config["query_pre_attn_scalar"] = score_divisor(config);
}

void describe_gemma2(const Json& config, GgufTarget& target) {
  const auto refuse = [](const std::string& what) { throw Error(ErrorKind::kUnsupported, "gguf", what); };
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping", "sliding_window"}) {
    if (config.at(key).is_null()) refuse(fmt::format("the architecture takes a {} for granted", key));
  }
  if (config.at("query_pre_attn_scalar") != score_divisor(config)) {
    refuse(fmt::format("query_pre_attn_scalar is not {}", score_divisor(config)));
  }
  const auto types = config.find("layer_types");
  if (types != config.end() && types->is_array()) {
    for (size_t i = 0; i < types->size(); ++i) {
      if ((*types)[i] != (i % 2 == 0 ? "sliding_attention" : "full_attention")) {
        refuse("layers do not see a window and all by turns");
      }
    }
  }
  describe_rotary_decoder(config, target);
}

}  // namespace

void register_gemma2_gguf(GgufArchitectures& architectures) {
  using Kind = GgufArchitecture::Kind;
  GgufArchitecture gemma2{.name = "gemma2",
                          .model_type = "gemma2",
                          .architecture = "Gemma2ForCausalLM",
                          .keys = rotary_decoder_keys(),
                          .tensors = rotary_decoder_tensors(false),
                          .ignored_tensors = {},
                          .complete = complete_gemma2,
                          .describe = describe_gemma2,
                          .described = rotary_decoder_described(),
                          .left_out = {}};
  gemma2.keys.insert(gemma2.keys.end(), {{"attention.sliding_window", "sliding_window", Kind::kInteger, true},
                                         {"attn_logit_softcapping", "attn_logit_softcapping", Kind::kNumber, true},
                                         {"final_logit_softcapping", "final_logit_softcapping", Kind::kNumber, true}});
  std::erase_if(gemma2.tensors, [](const GgufArchitecture::Tensor& rule) {
    return rule.gguf == "blk.*.ffn_norm" || rule.gguf == "output_norm" || rule.gguf == "blk.*.attn_norm" ||
           rule.gguf == "output";
  });
  gemma2.tensors.insert(gemma2.tensors.end(),
                        {{"output_norm", "model.norm", "", 1},
                         {"blk.*.attn_norm", "model.layers.*.input_layernorm", "", 1},
                         {"blk.*.post_attention_norm", "model.layers.*.post_attention_layernorm", "", 1},
                         {"blk.*.ffn_norm", "model.layers.*.pre_feedforward_layernorm", "", 1},
                         {"blk.*.post_ffw_norm", "model.layers.*.post_feedforward_layernorm", "", 1}});
  gemma2.described.insert(
      gemma2.described.end(),
      {"query_pre_attn_scalar", "layer_types", "use_bidirectional_attention", "hidden_act", "cache_implementation"});
  architectures.add(std::move(gemma2));
}

}  // namespace imago
