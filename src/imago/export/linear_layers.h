// The linear layers of a model.
#pragma once

#include <string>
#include <vector>

#include "imago/nn/model.h"

namespace imago {

struct LinearLayer {
  std::string path;      // "model.layers.0.mlp.up_proj"
  bool is_head = false;  // outside of the base model, or its weight is shared with another part
};

// In the order of the model's fields. Found by running the model on a few tokens; of layers that are alike but for a
// number, such as experts, all are taken when one is seen to multiply. Throws Error kUnsupported for a model that
// takes no tokens.
std::vector<LinearLayer> linear_layers(Model& model);

}  // namespace imago
