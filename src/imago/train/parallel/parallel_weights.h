// What is trained by several processes together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "imago/train/parallel/sharding.h"
#include "imago/train/trained_weights.h"

namespace imago {

// Checkpoints are whole, and one process's: written by the first process, read by all, whatever their number.
class ParallelWeights : public TrainedWeights {
 public:
  explicit ParallelWeights(Communicator& communicator) : communicator_(communicator) {}

  ParallelWeights* parallel() final { return this; }
  Communicator& communicator() const { return communicator_; }

  // Each process has rows of a step's batches of its own; else all of them have all.
  virtual bool shares_batches() const { return true; }
  // Passes exchange tensors: every process makes as many of them.
  virtual bool passes_together() const { return false; }

  // As begin_pass; but each process may compute as often as it wants, alone: answers of several lengths, for example.
  virtual void begin_alone(std::optional<DType> dtype) { begin_pass(dtype); }

  virtual void backward(const Tensor& loss);
  // Behind the passes of a step: gives the parameters the gradients of all processes' rows.
  virtual void reduce_gradients(const std::vector<NamedParameter>& parameters);
  // Behind the optimizer's step: lets all processes compute with what each of them has moved.
  virtual void parameters_moved() {}

 protected:
  // Adds the gradients of whole parameters up. Where one has none in some process, it counts as zeros.
  void add_up(const std::vector<NamedParameter>& parameters);

 private:
  Communicator& communicator_;
};

// The norm of all gradients as one vector, of all processes.
double grad_norm(const std::vector<NamedParameter>& parameters, ParallelWeights* parallel);

// "data", "zero1", "zero2", "zero3" or "tensor":
//   data    every process has all; gradients are added up
//   zero1   each process keeps a part of the optimizer's state and moves its part of the parameters
//   zero2   and keeps a part of the gradients
//   zero3   and a part of the parameters, of linear and embedding layers whole only while they are computed
//   tensor  each process computes a part of every linear and embedding layer, for the same rows
// Of a model with an adapter the last two divide the base, and every process has all of the adapter.
// (Rajbhandari et al. 2020, "ZeRO"; Shoeybi et al. 2019, "Megatron-LM".)
std::vector<std::string> parallel_strategies();

// The first three wrap `weights`; the others divide `model`, which `weights` must be all of (with these patterns of
// frozen parameters) or an adapter on. Throws Error kUnsupported for a strategy that is none.
std::unique_ptr<ParallelWeights> make_parallel(const std::string& strategy, Communicator& communicator, Model& model,
                                               TrainedWeights& weights, const std::vector<std::string>& frozen);

}  // namespace imago
