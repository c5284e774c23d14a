// Qwen2 in GGUF files.
#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {
namespace {

// A window that is switched off is of no effect, whatever its size.
void describe_qwen2(const Json& config, GgufTarget& target) {
  const auto types = config.find("layer_types");
  const bool listed = types != config.end() && types->is_array() &&
                      std::any_of(types->begin(), types->end(), [](const Json& t) { return t != "full_attention"; });
  if (listed || config.at("use_sliding_window").get<bool>()) {
    throw Error(ErrorKind::kUnsupported, "gguf", "the architecture has no layers that see a window only");
  }
  describe_rotary_decoder(config, target);
}

}  // namespace

void register_qwen2_gguf(GgufArchitectures& architectures) {
  GgufArchitecture qwen2{.name = "qwen2",
                         .model_type = "qwen2",
                         .architecture = "Qwen2ForCausalLM",
                         .keys = rotary_decoder_keys(),
                         .tensors = rotary_decoder_tensors(false),
                         .ignored_tensors = {},
                         .complete = complete_rotary_decoder,
                         .describe = describe_qwen2,
                         .described = rotary_decoder_described(),
                         .left_out = {}};
  qwen2.described.insert(qwen2.described.end(),
                         {"use_sliding_window", "sliding_window", "max_window_layers", "layer_types"});
  architectures.add(std::move(qwen2));
}

}  // namespace imago
