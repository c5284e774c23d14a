// SmolLM3 in GGUF files: a Llama whose every fourth layer goes without positions.
#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {
namespace {

constexpr int64_t kInterval = 4;  // what readers take for granted

void describe_smollm3(const Json& config, GgufTarget& target) {
  const auto refuse = [](const char* what) { throw Error(ErrorKind::kUnsupported, "gguf", what); };
  const auto listed = config.find("no_rope_layers");
  if (listed != config.end() && listed->is_array()) {
    for (size_t i = 0; i < listed->size(); ++i) {
      const bool rotated = (static_cast<int64_t>(i) + 1) % kInterval != 0;
      if ((*listed)[i] != (rotated ? 1 : 0)) refuse("other layers than every fourth go without positions");
    }
  } else if (config.at("no_rope_layer_interval") != kInterval) {
    refuse("other layers than every fourth go without positions");
  }
  if (config.at("use_sliding_window") == true) refuse("the architecture has no layers that see a window only");
  describe_rotary_decoder(config, target);
}

}  // namespace

void register_smollm3_gguf(GgufArchitectures& architectures) {
  GgufArchitecture smollm3{.name = "smollm3",
                           .model_type = "smollm3",
                           .architecture = "SmolLM3ForCausalLM",
                           .keys = rotary_decoder_keys(),
                           .tensors = rotary_decoder_tensors(true),
                           .ignored_tensors = {},
                           .complete = complete_rotary_decoder,
                           .describe = describe_smollm3,
                           .described = rotary_decoder_described(),
                           .left_out = {}};
  smollm3.described.insert(smollm3.described.end(), {"no_rope_layers", "no_rope_layer_interval", "use_sliding_window",
                                                     "sliding_window", "layer_types"});
  architectures.add(std::move(smollm3));
}

}  // namespace imago
