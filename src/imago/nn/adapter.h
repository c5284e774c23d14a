// Where adapters are put on layers: every linear and embedding layer has a place for one, and a visitor finds them all,
// so that no model knows of adapters.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "imago/nn/module.h"

namespace imago::nn {

// The layer an adapter is on, as it is without it.
struct AdaptedLayer {
  const Tensor& weight;  // linear: [out, in], perhaps encoded; embedding: [rows, out]
  const Tensor& bias;    // [out] or undefined
  std::function<Tensor(const Tensor& x)> forward;
  std::optional<int64_t> padding_idx = {};  // of an embedding
};

class LayerAdapter {
 public:
  virtual ~LayerAdapter() = default;
  // What the layer gives for `x` with the adapter.
  virtual Tensor forward(const Tensor& x, const AdaptedLayer& layer) const = 0;
};

// A layer's place for an adapter. Copies of a layer share it. Its field is seen by AdapterVisitor alone: what is in it
// belongs to whoever put it there, and is no part of the model's checkpoint.
struct AdapterSlot {
  enum class Kind { kLinear, kEmbedding };

  explicit AdapterSlot(Kind slot_kind) : kind(slot_kind) {}
  void each_field(FieldVisitor& visitor);

  Kind kind;
  std::shared_ptr<const LayerAdapter> adapter;  // null for none
};

class AdapterVisitor : public PathVisitor {
 public:
  void leaf(std::string_view, FieldRef) override {}
  // `layer` is the path of the module that the slot is of.
  virtual void slot(const std::string& layer, AdapterSlot& slot) = 0;

 private:
  friend struct AdapterSlot;
  void found(AdapterSlot& slot);
};

}  // namespace imago::nn
