// Dropout that a model computes in its parts, whose configurations are inside its own.
#pragma once

#include <string>
#include <vector>

namespace imago::nn {

// A configuration of such a model. Training refuses any other rate of a part that is not 0.
struct DropsInParts {
  virtual ~DropsInParts() = default;
  virtual std::vector<std::string> dropped_in_parts() const = 0;  // "vision_config.attention_dropout"
};

}  // namespace imago::nn
