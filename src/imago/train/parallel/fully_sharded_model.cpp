#include "imago/train/parallel/fully_sharded_model.h"

#include <algorithm>

#include "imago/train/parallel/parallel_ops.h"

namespace imago {

class FullyShardedModel::Layer final : public nn::LayerAdapter {
 public:
  Layer(const Parameter& weight, nn::AdapterSlot::Kind kind) : weight_(weight), kind_(kind) {}

  Tensor forward(const Tensor& x, const nn::AdaptedLayer& layer) const override {
    if (kind_ == nn::AdapterSlot::Kind::kLinear)
      return apply(op::ShardedLinear{weight_.sharding}, x, weight_.in_pass, layer.bias);
    std::optional<int64_t> padding = layer.padding_idx;
    if (padding && *padding < 0) *padding += weight_.shape[0];
    return apply(op::ShardedEmbedding{weight_.sharding, padding}, weight_.in_pass, x);
  }

 private:
  const Parameter& weight_;
  nn::AdapterSlot::Kind kind_;
};

void FullyShardedModel::plan(const Slots& slots) {
  for (const auto& parameter : all()) {
    if (parameter->shape.size() == 0) continue;
    parameter->sharding = Sharding::split(communicator(), parameter->name, parameter->shape, 0);
    // Whoever is tied to it must be computed by its layer, too.
    parameter->by_layer = std::all_of(parameter->names.begin(), parameter->names.end(), [&](const std::string& name) {
      const bool is_weight = name.ends_with(".weight");
      const bool of_experts = name.find("experts.") != std::string::npos;
      return is_weight && !of_experts && slots.contains(name.substr(0, name.size() - std::string(".weight").size()));
    });
  }
  for (const auto& [path, slot] : slots) {
    const Parameter* weight = find(path + ".weight");
    if (weight != nullptr && weight->by_layer) put_on(path, *slot, std::make_shared<Layer>(*weight, slot->kind));
  }
}

}  // namespace imago
