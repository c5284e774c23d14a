// Mistral in GGUF files, where it is a Llama.
#include <algorithm>

#include "imago/base/json.h"
#include "imago/io/gguf_decoder.h"

namespace imago {
namespace {

// Of windows the architecture knows nothing: within one, all positions are seen.
void describe_mistral(const Json& config, GgufTarget& target) {
  describe_rotary_decoder(config, target);
  auto context = config.at("max_position_embeddings").get<int64_t>();
  const auto window = config.find("sliding_window");
  if (window != config.end() && !window->is_null()) context = std::min(context, window->get<int64_t>());
  target.entries.add_integer(target.key("context_length"), context);
}

}  // namespace

void register_mistral_gguf(GgufArchitectures& architectures) {
  GgufArchitecture mistral{.name = "llama",
                           .model_type = "mistral",
                           .architecture = "MistralForCausalLM",
                           .keys = rotary_decoder_keys(),
                           .tensors = rotary_decoder_tensors(true),
                           .ignored_tensors = {},
                           .complete = nullptr,
                           .describe = describe_mistral,
                           .described = rotary_decoder_described(),
                           .left_out = {},
                           .is_written_only = true};
  mistral.described.insert(mistral.described.end(), {"max_position_embeddings", "sliding_window"});
  architectures.add(std::move(mistral));
}

}  // namespace imago
