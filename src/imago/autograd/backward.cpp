#include "imago/autograd/backward.h"

#include <fmt/core.h>

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "imago/autograd/tape_order.h"
#include "imago/base/error.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/op_node.h"
#include "imago/ops/operators.h"

namespace imago {
namespace {

using NodePointer = std::shared_ptr<GradNode>;

// Where a gradient goes: an output of a recorded step, or a leaf.
const NodePointer& node_pointer(const Tensor& tensor) { return tensor.grad_meta()->node; }
GradNode* node_of(const Tensor& tensor) { return node_pointer(tensor).get(); }

bool tracked(const Tensor& tensor) { return tensor.defined() && tensor.requires_grad(); }

// Every step that `outputs` come from, each behind all the steps that use it.
std::vector<NodePointer> order_nodes(std::span<const Tensor> outputs) {
  std::unordered_set<GradNode*> seen;
  std::vector<NodePointer> order = inputs_first(outputs, [&](const Tensor& tensor) {
    NodePointer node = tracked(tensor) ? node_pointer(tensor) : nullptr;
    return node != nullptr && seen.insert(node.get()).second ? node : nullptr;
  });
  return {order.rbegin(), order.rend()};
}

[[noreturn]] void throw_walked_already(const GradNode& node) {
  throw Error(ErrorKind::kInvalidArgument, "backward",
              fmt::format("the tape of {} was let go of by an earlier backward", node.name()),
              "pass retain_graph = true to the earlier one");
}

class Engine {
 public:
  Engine(std::span<const Tensor> outputs, GradOptions options) : options_(options), order_(order_nodes(outputs)) {}

  // Before run(): leaves' gradients go there.
  void give_to(const TakeGradient& take) {
    take_ = &take;
    for (const NodePointer& node : order_) {
      for (const Tensor& input : node->inputs) {
        if (is_leaf(input)) ++uses_[input.grad_meta().get()];
      }
    }
  }

  void seed(const Tensor& output, const Tensor& grad) { accumulate(output, grad); }

  // Hands each step its gradients, last step first. Leaves end up in leaf_grads(). What a step has kept is let go of
  // as soon as it is done, so that a pass needs less memory the further it is.
  void run() {
    const GradMode mode(options_.create_graph);
    const bool release = !options_.retain_graph && !options_.create_graph;
    for (const NodePointer& pointer : order_) {
      GradNode* node = pointer.get();
      auto pending = pending_.find(node);
      if (pending != pending_.end()) {
        if (node->inputs.empty()) throw_walked_already(*node);
        if (kept_.contains(node)) kept_[node] = pending->second;
        Tensors grads = std::move(pending->second);
        pending_.erase(pending);
        distribute(*node, node->backward(grads));
      }
      if (take_ != nullptr) give_complete(*node);
      if (release) let_go(*node);
    }
  }

  // Gradients that arrive at this non-leaf are kept for grad_of.
  void keep(const Tensor& tensor) {
    if (GradNode* node = node_of(tensor)) kept_[node] = {};
  }

  Tensor grad_of(const Tensor& tensor) const {
    if (GradNode* node = node_of(tensor)) {
      const Tensors& grads = kept_.at(node);
      return grads.empty() ? Tensor() : grads[static_cast<size_t>(tensor.grad_meta()->output_index)];
    }
    const auto found = leaf_grads_.find(tensor.grad_meta());
    return found == leaf_grads_.end() ? Tensor() : found->second;
  }

  // The leaves may be alive here alone.
  std::unordered_map<std::shared_ptr<GradMeta>, Tensor> take_leaf_grads() { return std::move(leaf_grads_); }

 private:
  // The steps that it comes from are alive: order_ has them.
  static void let_go(GradNode& node) {
    node.inputs.clear();
    if (auto* op = dynamic_cast<OpNode*>(&node)) {
      op->outputs.clear();
      op->restore = nullptr;
    }
  }

  static bool is_leaf(const Tensor& tensor) { return tracked(tensor) && node_of(tensor) == nullptr; }

  void give_complete(const GradNode& node) {
    for (const Tensor& input : node.inputs) {
      if (!is_leaf(input) || --uses_.at(input.grad_meta().get()) > 0) continue;
      const auto found = leaf_grads_.find(input.grad_meta());
      if (found == leaf_grads_.end()) continue;
      const NoGrad no_grad;
      (*take_)(*found->first, found->second);
      leaf_grads_.erase(found);
    }
  }

  void distribute(GradNode& node, const Tensors& grads) {
    if (grads.size() != node.inputs.size()) {
      throw Error(ErrorKind::kInternal, node.name(),
                  fmt::format("{} gradients for {} inputs", grads.size(), node.inputs.size()));
    }
    for (size_t i = 0; i < grads.size(); ++i) {
      const Tensor& input = node.inputs[i];
      if (!grads[i].defined() || !tracked(input)) continue;
      if (!(grads[i].shape() == input.shape()) || grads[i].dtype() != input.dtype()) {
        throw Error(
            ErrorKind::kInternal, node.name(),
            fmt::format("the gradient of input {} is {}, the input {}", i, grads[i].describe(), input.describe()));
      }
      accumulate(input, grads[i]);
    }
  }

  void accumulate(const Tensor& tensor, const Tensor& grad) {
    Tensor* slot = nullptr;
    if (GradNode* node = node_of(tensor)) {
      Tensors& grads = pending_[node];
      grads.resize(static_cast<size_t>(node->num_outputs));
      slot = &grads[static_cast<size_t>(tensor.grad_meta()->output_index)];
    } else {
      slot = &leaf_grads_[tensor.grad_meta()];
    }
    *slot = slot->defined() ? *slot + grad : grad;
  }

  GradOptions options_;
  const TakeGradient* take_ = nullptr;
  std::unordered_map<const GradMeta*, int64_t> uses_;  // of leaves, by steps that are still to come
  std::vector<NodePointer> order_;
  std::unordered_map<GradNode*, Tensors> pending_;
  std::unordered_map<GradNode*, Tensors> kept_;
  std::unordered_map<std::shared_ptr<GradMeta>, Tensor> leaf_grads_;
};

// A gradient may be a view of another's storage, or somebody else's tensor; what a leaf keeps is its own.
Tensor owned(const Tensor& gradient) {
  const bool made_here = gradient.grad_meta() == nullptr && gradient.storage().use_count() == 1;
  const bool whole = gradient.is_contiguous() && gradient.nbytes() == gradient.storage()->bytes();
  return made_here && whole ? gradient.detach() : clone(gradient);
}

Tensor ones_like(const Tensor& tensor) { return Tensor::ones(tensor.shape(), tensor.dtype(), tensor.device()); }

void expect_tracked(const Tensor& tensor, const char* where) {
  if (!tracked(tensor)) {
    throw Error(ErrorKind::kInvalidArgument, where, "no gradient is recorded for " + tensor.describe(),
                "call set_requires_grad(true) on what it is computed from, outside NoGrad");
  }
}

// The gradient of an operation through its decomposition, on a tape of its own.
Tensors vjp_through_decomposition(const OpNode& node, const Backward& b) {
  const bool create_graph = grad_enabled();
  Tensors inputs(b.inputs.begin(), b.inputs.end());
  if (!create_graph) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].defined()) inputs[i] = inputs[i].detach();
      if (b.needs[i]) inputs[i].set_requires_grad(true);
    }
  }
  Tensors outputs;
  {
    const GradMode recording(true);
    outputs = node.info->decompose(node.op.get(), inputs);
  }
  Tensors wanted, seeds, reached;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (b.needs[i]) wanted.push_back(inputs[i]);
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!tracked(outputs[i])) continue;
    reached.push_back(outputs[i]);
    seeds.push_back(b.grads[i]);
  }
  const Tensors found = grad(reached, wanted, seeds, {.retain_graph = create_graph, .create_graph = create_graph});
  Tensors grads(inputs.size());
  for (size_t i = 0, next = 0; i < inputs.size(); ++i) {
    if (b.needs[i]) grads[i] = found[next++];
  }
  return grads;
}

void install_decompose_vjp() {
  [[maybe_unused]] static const bool done = (set_decompose_vjp(vjp_through_decomposition), true);
}

}  // namespace

void backward(const Tensor& loss, const Tensor& grad, bool retain_graph) {
  install_decompose_vjp();
  expect_tracked(loss, "backward");
  if (!grad.defined() && loss.numel() != 1) {
    throw Error(ErrorKind::kInvalidArgument, "backward", "the loss is " + loss.describe() + ", not one number",
                "reduce it with mean() or sum(), or pass its gradient");
  }
  Engine engine(std::span(&loss, 1), {.retain_graph = retain_graph, .create_graph = false});
  engine.seed(loss, grad.defined() ? grad : ones_like(loss));
  engine.run();
  const NoGrad no_grad;
  for (auto& [leaf, gradient] : engine.take_leaf_grads()) {
    const Tensor found = std::exchange(gradient, {});   // so that no two gradients of all leaves are alive together
    const bool given = retain_graph || grad.defined();  // the caller may still hold it
    leaf->grad = leaf->grad.defined() ? leaf->grad + found : given ? clone(found) : owned(found);
  }
}

void backward_to(const Tensor& loss, const TakeGradient& take) {
  install_decompose_vjp();
  expect_tracked(loss, "backward");
  Engine engine(std::span(&loss, 1), {});
  engine.give_to(take);
  engine.seed(loss, ones_like(loss));
  engine.run();
}

Tensors grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs, std::span<const Tensor> grad_outputs,
             GradOptions options) {
  install_decompose_vjp();
  Engine engine(outputs, options);
  for (const Tensor& input : inputs) {
    expect_tracked(input, "grad");
    engine.keep(input);
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    expect_tracked(outputs[i], "grad");
    const bool given = i < grad_outputs.size() && grad_outputs[i].defined();
    engine.seed(outputs[i], given ? grad_outputs[i] : ones_like(outputs[i]));
  }
  engine.run();
  Tensors grads;
  for (const Tensor& input : inputs) grads.push_back(engine.grad_of(input));
  return grads;
}

}  // namespace imago
