// Qwen2 in GGUF files.
#include "imago/io/gguf_decoder.h"

namespace imago {

void register_qwen2_gguf(GgufArchitectures& architectures) {
  architectures.add(windowless_decoder("qwen2", "Qwen2ForCausalLM"));
}

}  // namespace imago
