#include "imago/models/vit/vit.h"

#include "imago/nn/registry.h"

REGISTER_MODELS(vit, ViTModel, ViTForImageClassification, ViTForMaskedImageModeling)
