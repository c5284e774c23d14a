// A LoRA adapter that is several, weighted, as PEFT's add_weighted_adapter makes it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "imago/peft/lora.h"

namespace imago::peft {

struct WeightedPart {
  const LoraPart* part;
  double weight;
};

// Its configuration: all targets of all, and a scaling of 1. Throws Error kInvalidArgument where there is not one
// weight an adapter, or ranks differ in "linear", and kUnsupported for other combination types.
LoraConfig combined_config(const std::vector<const LoraConfig*>& configs, const std::vector<double>& weights,
                           const std::string& combination_type);

// Its part on one layer, filled up with zeros to `rank`.
std::shared_ptr<LoraPart> combine(const std::vector<WeightedPart>& parts, int64_t rank,
                                  const std::string& combination_type);

}  // namespace imago::peft
