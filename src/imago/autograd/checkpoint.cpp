#include "imago/autograd/checkpoint.h"

#include "imago/autograd/backward.h"
#include "imago/ops/op_node.h"

namespace imago {
namespace {

struct CheckpointNode final : GradNode {
  std::function<Tensors(const Tensors&)> function;
  size_t num_arguments = 0;  // the rest of `inputs` are the parameters

  std::string_view name() const override { return "checkpoint"; }

  Tensors backward(const Tensors& grad_outputs) override {
    Tensors arguments;
    Tensors wanted;
    std::vector<size_t> places;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const bool tracked = inputs[i].defined() && inputs[i].requires_grad();
      // Arguments are cut off here, so that this walk ends at them; a parameter is a leaf already.
      Tensor tensor = i < num_arguments && inputs[i].defined() ? inputs[i].detach() : inputs[i];
      if (tracked && i < num_arguments) tensor.set_requires_grad(true);
      if (i < num_arguments) arguments.push_back(tensor);
      if (!tracked) continue;
      wanted.push_back(tensor);
      places.push_back(i);
    }
    Tensors outputs, reached, seeds;
    {
      const GradMode recording(true);
      outputs = function(arguments);
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].requires_grad() || !grad_outputs[i].defined()) continue;
      reached.push_back(outputs[i]);
      seeds.push_back(grad_outputs[i]);
    }
    const Tensors found = grad(reached, wanted, seeds);
    Tensors grads(inputs.size());
    for (size_t i = 0; i < places.size(); ++i) grads[places[i]] = found[i];
    return grads;
  }
};

}  // namespace

Tensors checkpoint(std::function<Tensors(const Tensors& inputs)> function, const Tensors& inputs,
                   const Tensors& parameters) {
  auto node = std::make_shared<CheckpointNode>();
  node->inputs = inputs;
  node->inputs.insert(node->inputs.end(), parameters.begin(), parameters.end());
  node->num_arguments = inputs.size();
  if (!wants_gradient(node->inputs)) return function(inputs);
  Tensors outputs;
  {
    const NoGrad no_grad;
    outputs = function(inputs);
  }
  node->function = std::move(function);
  node->num_outputs = static_cast<int>(outputs.size());
  attach_to_tape(outputs, node);
  return outputs;
}

}  // namespace imago
