#include "imago/models/smolvlm/smolvlm.h"

namespace imago {

void register_smolvlm(Registry& registry) {
  using namespace smolvlm;
  registry.add<SmolVLMModel>("SmolVLMModel");
  registry.add<SmolVLMForConditionalGeneration>("SmolVLMForConditionalGeneration");
}

}  // namespace imago
