// What an adapter has on one layer.
#pragma once

#include <optional>

#include "imago/nn/adapter.h"

namespace imago::peft {

class AdapterPart {
 public:
  virtual ~AdapterPart() = default;

  // The trained tensors, under PEFT's names behind the layer's ("lora_A.weight").
  virtual void each_field(FieldVisitor& visitor) = 0;

  // What the layer gives with this part; `below` is the layer, perhaps with other adapters' parts. May be wider than
  // the layer's own type, whose result is rounded once, behind all parts.
  virtual Tensor forward(const Tensor& x, const nn::AdaptedLayer& below) const = 0;

  // The layer's parameters with this part worked into them, in the type they have. `base_weight` is the layer's own,
  // where `weight` has other adapters' parts in it already.
  struct Merged {
    Tensor weight, bias;
  };
  virtual Merged merge(const Tensor& weight, const Tensor& bias, const Tensor& base_weight) const = 0;
};

}  // namespace imago::peft
