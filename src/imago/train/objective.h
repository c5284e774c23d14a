// What training makes small: a loss of a batch, and how much the batch counts.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "imago/nn/model.h"

namespace imago {

class TorchGenerator;

// model.run of a batch that may have several sequences in a row: sequence_ids [B, T] numbers them then, and none sees
// another. Throws Error kUnsupported for a model that mixes tokens otherwise than by attention.
TensorMap run_batch(const Model& model, const TensorMap& batch, const RunOptions& options = {});

class Objective {
 public:
  virtual ~Objective() = default;

  // Whether what the loss needs is first made of a collated batch, by the model as it is: answers to prompts.
  virtual bool prepares() const { return false; }
  virtual TensorMap prepare(const Model&, const TensorMap& batch, TorchGenerator&) const { return batch; }
  // What is logged beside the loss: means since the last call.
  virtual std::map<std::string, double> take_metrics() const { return {}; }

  // The mean loss over the batch's items, a tensor of one element. Throws Error kInvalidArgument where the model gives
  // none for the batch's arguments.
  virtual Tensor loss(const Model& model, const TensorMap& batch, const RunOptions& options) const = 0;

  // How many items the mean is over: batches of an accumulation count by it. 0 makes no loss.
  virtual int64_t items(const Model& model, const TensorMap& batch) const = 0;

  // What the sum over the items of all batches of a step is divided by.
  virtual int64_t divisor(const Model& model, const TensorMap& batch) const { return items(model, batch); }
};

// The loss of the model's own head, over the tokens that have a label (of causal language models those that are
// predicted), or over the examples where labels are no tokens'.
class ModelLoss : public Objective {
 public:
  // The share of each label that is spread over all classes; the loss is computed from the logits then.
  explicit ModelLoss(double label_smoothing = 0) : label_smoothing_(label_smoothing) {}

  Tensor loss(const Model& model, const TensorMap& batch, const RunOptions& options) const override;
  int64_t items(const Model& model, const TensorMap& batch) const override;
  // The reference knows that a causal model predicts no first token by the name of its class, ...ForCausalLM. Of others
  // (GPT2LMHeadModel) it counts the first tokens, too, which makes loss and gradients a little smaller.
  int64_t divisor(const Model& model, const TensorMap& batch) const override;

 private:
  double label_smoothing_;
};

}  // namespace imago
