// ZeRO's third stage (Rajbhandari et al. 2020), also known as fully sharded data parallel.
#pragma once

#include "imago/train/parallel/sharded_model.h"

namespace imago {

// Each process keeps its rows of every parameter. Weights of linear and embedding layers are put together while a layer
// is computed, forward and backward, and let go of behind it; all others (norms, biases, and experts, which not every
// process comes to) for the time of a pass.
class FullyShardedModel final : public ShardedModel {
 public:
  FullyShardedModel(Communicator& communicator, Model& model, std::vector<std::string> frozen,
                    peft::Adapters* adapters = nullptr)
      : ShardedModel(communicator, model, std::move(frozen), adapters) {}

  bool passes_together() const override { return true; }

 protected:
  void plan(const Slots& slots) override;

 private:
  class Layer;
};

}  // namespace imago
