// The tape's record of one applied operation.
#pragma once

#include <functional>

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
  Tensors outputs;  // cut off from the tape: the node must not own the tensors that own it
  // Gives back the inputs and outputs that were freed (see autograd/rematerialize.h); empty where they are there.
  std::function<void()> restore;

  std::string_view name() const override { return info->name; }
  Tensors backward(const Tensors& grad_outputs) override;
};

// Whether the tape should record an operation on these inputs.
bool wants_gradient(std::span<const Tensor> inputs);

// Makes `outputs` non-leaves of the tape that come from `node`.
void attach_to_tape(std::span<Tensor> outputs, const std::shared_ptr<GradNode>& node);

}  // namespace imago
