// Generating with models that read texts with pictures in them.
#pragma once

#include "imago/generation/generate.h"
#include "imago/nn/image_text_to_text.h"

namespace imago {

// Continues texts with pictures in them, whose padding stands in front. Throws what generate() throws.
GenerationOutput generate(const ImageTextToText& model, const ImageTextToTextInputs& prompt,
                          const GenerationConfig& config, const GenerationHooks& hooks = {});

}  // namespace imago
