// SmolVLM (Marafioti et al. 2025, "SmolVLM: Redefining small and efficient multimodal models"): Idefics 3 under another
// name.
#pragma once

#include "imago/models/idefics3/idefics3.h"

namespace imago::smolvlm {

struct SmolVLMConfig : idefics3::Idefics3Config {
  static constexpr const char* kModelType = "smolvlm";
};

struct SmolVLMModel : idefics3::Idefics3Model {
  using ConfigType = SmolVLMConfig;
  explicit SmolVLMModel(const SmolVLMConfig& c) : Idefics3Model(c) {}
};

using SmolVLMForConditionalGeneration = nn::ForImageTextToText<SmolVLMModel>;

}  // namespace imago::smolvlm
