// What decoders with rotary positions share in GGUF files.
#pragma once

#include <cstdint>
#include <vector>

#include "imago/io/gguf_architecture.h"

namespace imago {

// The entries of such a model, and its tensors by the names of Llama, with the rows of q and k as `pairs` says: of
// each head in pairs of neighbours, or in halves as the Hub has them (see GgufArchitecture::Tensor).
std::vector<GgufArchitecture::Key> rotary_decoder_keys();
std::vector<GgufArchitecture::Tensor> rotary_decoder_tensors(bool pairs);

// For `complete`: the sizes that tensors tell, and rope_scaling. Throws Error kUnsupported for positions that are
// stretched in a way that is not known, or not all channels rotated; kInvalidFile.
void complete_rotary_decoder(const GgufSource& source, Json& config);

// The same of a model with experts, which the first refuses.
void complete_rotary_mixture(const GgufSource& source, Json& config);

// For `describe`, with the keys of config.json that it looks at: the positions, and what follows from the size of a
// head. Throws Error kUnsupported for positions that the format has no words for.
std::vector<std::string_view> rotary_decoder_described();
void describe_rotary_decoder(const Json& config, GgufTarget& target);

// A decoder whose layers may see a window only where use_sliding_window is set (Qwen): the format has no words for
// that, and writing one throws Error kUnsupported. Its type is `name` on the Hub, too.
GgufArchitecture windowless_decoder(const char* name, const char* architecture);

}  // namespace imago
