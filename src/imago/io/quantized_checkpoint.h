// Checkpoints whose config.json has `quantization_config`: their matrices lie in several tensors each.
#pragma once

#include "imago/base/json.h"
#include "imago/io/checkpoint.h"

namespace imago {

// The checkpoint with whole weights (encoded) in the place of their parts. Methods: bitsandbytes (NF4, FP4,
// LLM.int8()), gptq, awq, fp8, bitnet and compressed-tensors (packed, int8 and fp8 weights, 8-bit activations found
// token by token); with mxfp4 nothing changes, for its models take the parts. Throws Error kUnsupported for others by
// name and for variants whose arithmetic is another, and kInvalidFile for parts that are missing; what tensors of other
// sizes hold is found when they are read.
Checkpoint with_whole_weights(const Checkpoint& checkpoint, const Json& quantization_config);

}  // namespace imago
