#include "imago/autograd/rematerialize.h"

#include <map>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include "imago/autograd/activation_file.h"
#include "imago/autograd/tape_order.h"
#include "imago/base/error.h"
#include "imago/ops/op_node.h"
#include "imago/tensor/storage.h"

namespace imago {
namespace {

thread_local bool checkpointing = false;
thread_local ActivationFile* activation_file = nullptr;

GradNode* producer_of(const Tensor& tensor) {
  return tensor.defined() && tensor.grad_meta() ? tensor.grad_meta()->node.get() : nullptr;
}

// The place of a tensor on the tape, without its values.
Tensor emptied(const Tensor& tensor) {
  Tensor place = Tensor::empty(tensor.shape(), tensor.dtype(), Device::kMeta);
  place.set_grad_meta(tensor.grad_meta());
  return place;
}

// One that an operation gave, with a storage of its own in memory; a parameter is none.
bool is_whole_activation(const Tensor& tensor) {
  return producer_of(tensor) != nullptr && !tensor.is_meta() && tensor.storage()->writable() &&
         tensor.is_contiguous() && tensor.nbytes() == tensor.storage()->bytes();
}

Tensor moved(const Tensor& tensor, ActivationFile& file, std::map<const Storage*, Tensor>& stored) {
  Tensor& values = stored[tensor.storage().get()];
  if (!values.defined()) values = file.store(tensor);
  Tensor place = values.alias(tensor.shape(), tensor.strides(), 0);
  place.set_grad_meta(tensor.grad_meta());
  return place;
}

// Operations in the order they were done, each behind those it uses. The nodes own it, and not it the nodes.
class Segment : public std::enable_shared_from_this<Segment> {
 public:
  void collect(const Tensors& outputs, const Tensors& inputs) {
    for (const Tensor& input : inputs) seen_.insert(producer_of(input));
    const auto order = inputs_first(outputs, [&](const Tensor& tensor) -> std::shared_ptr<OpNode> {
      if (producer_of(tensor) == nullptr || !seen_.insert(producer_of(tensor)).second) return nullptr;
      auto node = std::dynamic_pointer_cast<OpNode>(tensor.grad_meta()->node);
      return node != nullptr && node->keeps_values && !node->restore ? node : nullptr;
    });
    nodes_.insert(nodes_.end(), order.begin(), order.end());
    seen_.clear();
  }

  void free(ActivationFile* file) {
    std::unordered_set<const GradNode*> inside;
    std::map<const Storage*, Tensor> stored;  // whole tensors alone: views of one storage stay in memory
    for (const auto& weak : nodes_) inside.insert(weak.lock().get());
    for (const auto& weak : nodes_) {
      const auto node = weak.lock();
      for (Tensor& input : node->inputs) {
        if (inside.contains(producer_of(input)))
          input = emptied(input);
        else if (file != nullptr && is_whole_activation(input))
          input = moved(input, *file, stored);
      }
      for (Tensor& output : node->outputs) output = emptied(output);
      node->restore = [segment = shared_from_this()] { segment->compute_again(); };
    }
  }

 private:
  void compute_again() {
    const NoGrad no_grad;
    std::map<std::pair<const GradNode*, int>, Tensor> values;
    for (const auto& weak : nodes_) {
      const auto node = weak.lock();
      // One that is done already, or that nothing needs any more, has let go of its inputs.
      if (node == nullptr || node->inputs.empty()) continue;
      Tensors inputs;
      for (Tensor& input : node->inputs) {
        if (input.defined() && input.is_meta() && producer_of(input) != nullptr) {
          const auto value = values.find({producer_of(input), input.grad_meta()->output_index});
          if (value == values.end())
            throw Error(ErrorKind::kInternal, node->name(), "its input was not computed again");
          Tensor filled = value->second.detach();
          filled.set_grad_meta(input.grad_meta());
          input = std::move(filled);
        }
        inputs.push_back(input.defined() ? input.detach() : input);
      }
      node->outputs = apply_op(*node->info, node->op.get(), inputs);
      for (size_t i = 0; i < node->outputs.size(); ++i) values[{node.get(), static_cast<int>(i)}] = node->outputs[i];
      node->restore = nullptr;
    }
  }

  std::vector<std::weak_ptr<OpNode>> nodes_;
  std::unordered_set<const GradNode*> seen_;
};

}  // namespace

void free_activations(const Tensors& outputs, const Tensors& inputs, ActivationFile* file) {
  const auto segment = std::make_shared<Segment>();
  segment->collect(outputs, inputs);
  segment->free(file);
}

ActivationCheckpointing::ActivationCheckpointing(bool enabled, ActivationFile* file)
    : previous_(std::exchange(checkpointing, enabled)),
      previous_file_(std::exchange(activation_file, file)),
      keep_(enabled) {}

ActivationCheckpointing::~ActivationCheckpointing() {
  checkpointing = previous_;
  activation_file = previous_file_;
}

void checkpoint_boundary(const Tensor& x) {
  if (checkpointing && grad_enabled() && x.requires_grad()) free_activations({x}, {}, activation_file);
}

}  // namespace imago
