// The parameters of a model as an optimizer takes them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "imago/nn/model.h"

namespace imago {

struct Sharding;

struct NamedParameter {
  // A head is an output layer over the vocabulary that is not tied to the embedding.
  enum class Role { kOther, kEmbedding, kHead };

  std::string name;  // of tied ones the first
  Tensor value;
  std::shared_ptr<const Sharding> sharding = {};  // of the value, where it is one process's part of the parameter
  Role role = Role::kOther;
};

// Makes every floating-point parameter a leaf with storage of its own that may be written (a loaded one lies in the
// mapped file), tied ones staying one, and lists each once in the order of the fields.
// Those whose names match one of the `frozen` patterns stay as they are, and are not listed.
// Throws Error kUnsupported for weights in a quantized format.
std::vector<NamedParameter> trainable_parameters(Model& model, const std::vector<std::string>& frozen = {});

// Whether weight_decay applies, by the reference's rule: to all but biases and the weights of norms.
bool is_decayed(const NamedParameter& parameter);

}  // namespace imago
