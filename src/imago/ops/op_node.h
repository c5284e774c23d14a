// The tape's record of one applied operation. It keeps the values that the operation's gradient reads, and no others:
// the gradient is tried on tensors without values (Device::kMeta) to see which it touches. What is cheap to compute
// again (see recomputable.h) is not kept either: whoever needs it in backward asks the operation that gave it.
#pragma once

#include <functional>
#include <vector>

#include "imago/ops/apply.h"
#include "imago/tensor/grad_meta.h"

namespace imago {

struct OpNode;

// How autograd/ gets the gradient of an operation that has no vjp of its own; set by it once (see
// autograd/backward.cpp).
using DecomposeVjp = Tensors (*)(const OpNode& node, const Backward& b);
void set_decompose_vjp(DecomposeVjp function);

struct OpNode final : GradNode, std::enable_shared_from_this<OpNode> {
  const OpInfo* info = nullptr;
  std::shared_ptr<const void> op;
  // Cut off from the tape: the node must not own the tensors that own it. Of outputs, as of inputs, whose values are
  // not kept there is the outline.
  Tensors outputs;
  // Gives back the inputs and outputs that were freed (see autograd/rematerialize.h); empty where they are there.
  std::function<void()> restore;
  std::vector<size_t> computed_again;  // inputs to be asked for from the operation that gave them
  bool computes_again = false;         // whether such inputs of others are its outputs
  bool keeps_values = false;           // see KeepValues

  std::string_view name() const override { return info->name; }
  Tensors backward(const Tensors& grad_outputs) override;

 private:
  void compute_inputs();
  const Tensor& output_again(int index);

  bool has_outputs_again_ = false;
};

// While one is alive on this thread, what is recorded can be computed again: operations keep all their inputs and
// outputs. See free_activations, which does not mind what they keep then.
class KeepValues {
 public:
  explicit KeepValues(bool enabled = true);
  ~KeepValues();
  KeepValues(const KeepValues&) = delete;
  KeepValues& operator=(const KeepValues&) = delete;

 private:
  bool previous_;
};

// Whether the tape should record an operation on these inputs.
bool wants_gradient(std::span<const Tensor> inputs);

// Makes `outputs` non-leaves of the tape that come from this operation on `inputs`.
void record_on_tape(const OpInfo& info, const void* op, std::span<const Tensor> inputs, std::span<Tensor> outputs);

// Makes `outputs` non-leaves of the tape that come from `node`.
void attach_to_tape(std::span<Tensor> outputs, const std::shared_ptr<GradNode>& node);

}  // namespace imago
