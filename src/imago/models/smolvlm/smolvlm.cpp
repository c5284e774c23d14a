#include "imago/models/smolvlm/smolvlm.h"

REGISTER_MODELS(smolvlm, SmolVLMModel, SmolVLMForConditionalGeneration)
