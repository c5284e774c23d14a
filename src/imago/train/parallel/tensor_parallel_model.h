// Tensor parallel training (Shoeybi et al. 2019, "Megatron-LM: Training Multi-Billion Parameter Language Models Using
// Model Parallelism").
#pragma once

#include "imago/train/parallel/sharded_model.h"

namespace imago {

// Every process computes the same rows, and of each linear and embedding layer a part of its outputs, which are then
// put together. Inside feed-forward networks they are not: the first matrices are divided by their outputs, the last by
// its inputs, and one sum over the processes stands behind it. Attention itself is computed whole by each.
class TensorParallelModel final : public ShardedModel {
 public:
  TensorParallelModel(Communicator& communicator, Model& model, std::vector<std::string> frozen,
                      peft::Adapters* adapters = nullptr)
      : ShardedModel(communicator, model, std::move(frozen), adapters) {}

  bool shares_batches() const override { return false; }
  // Every process has the same gradients of what it has whole.
  void reduce_gradients(const std::vector<NamedParameter>&) override {}

 protected:
  void plan(const Slots& slots) override;

 private:
  class Layer;
  enum class Division;
  std::map<std::string, Division> feed_forward(const Slots& slots);
  void divide_layer(const std::string& path, nn::AdapterSlot& slot, Division division);
};

}  // namespace imago
