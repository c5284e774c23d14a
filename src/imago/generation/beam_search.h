// Beam search with length penalty, step for step the reference's.
#pragma once

#include "imago/generation/decoder_session.h"
#include "imago/generation/generate.h"

namespace imago {

// Continues the prompts, which are of one length, up to config.max_length (which must be set).
GenerationOutput beam_search(DecoderSession& session, const std::vector<std::vector<int64_t>>& prompts,
                             const GenerationConfig& config, const GenerationHooks& hooks);

}  // namespace imago
