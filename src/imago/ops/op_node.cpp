#include "imago/ops/op_node.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "imago/base/error.h"
#include "imago/ops/recomputable.h"

namespace imago {
namespace {

thread_local bool keep_values = false;
DecomposeVjp decompose_vjp = nullptr;

// A tensor's shape, dtype and place on the tape, without its values. Should anybody read them, they are NaN: it must
// not go unseen.
Tensor outline(const Tensor& tensor) {
  const double value = is_floating_point(tensor.dtype()) ? std::numeric_limits<double>::quiet_NaN() : 0;
  Tensor place =
      Tensor::full({}, value, tensor.dtype(), tensor.device()).alias(tensor.shape(), Shape::filled(tensor.dim(), 0), 0);
  place.set_grad_meta(tensor.grad_meta());
  return place;
}

Tensor without_values(const Tensor& tensor) {
  return tensor.defined() ? Tensor::empty(tensor.shape(), tensor.dtype(), Device::kMeta) : Tensor();
}

// Notes which of some tensors an operation is applied to, or which are given back as they are.
class Reads final : public ApplyObserver {
 public:
  explicit Reads(const Tensors& watched) : read(watched.size(), false), watched_(watched) {}

  void before(const OpInfo&, const void*, std::span<const Tensor> inputs) override { note(inputs); }
  void note(std::span<const Tensor> tensors) {
    for (const Tensor& tensor : tensors) {
      for (size_t i = 0; i < watched_.size(); ++i) {
        if (tensor.defined() && watched_[i].defined() && tensor.storage() == watched_[i].storage()) read[i] = true;
      }
    }
  }

  std::vector<bool> read;

 private:
  const Tensors& watched_;
};

// Which of the inputs, and behind them of the outputs, the operation's gradient reads.
std::vector<bool> read_by_gradient(const OpInfo& info, const void* op, std::span<const Tensor> inputs,
                                   std::span<const Tensor> outputs) {
  const size_t count = inputs.size() + outputs.size();
  // By its decomposition: from the inputs.
  if (info.vjp == nullptr) {
    std::vector<bool> read(count, true);
    std::fill(read.begin() + static_cast<ptrdiff_t>(inputs.size()), read.end(), false);
    return read;
  }
  // One without a kernel may do more than arithmetic: exchange tensors with other processes, for example.
  const Device device = outputs.front().device();
  if (device == Device::kMeta || (info.view == nullptr && info.kernels[static_cast<size_t>(device)].run == nullptr))
    return std::vector<bool>(count, true);
  Tensors watched, grads;
  for (const Tensor& input : inputs) watched.push_back(without_values(input));
  for (const Tensor& output : outputs) {
    watched.push_back(without_values(output));
    grads.push_back(without_values(output));
  }
  Backward b;
  b.inputs = std::span(watched).subspan(0, inputs.size());
  b.outputs = std::span(watched).subspan(inputs.size());
  b.grads = grads;
  for (const Tensor& input : inputs) b.needs.push_back(input.defined() && input.requires_grad());
  const NoGrad no_grad;
  Reads reads(watched);
  try {
    reads.note(info.vjp(op, b));
  } catch (const Error&) {  // it looks at values
    return std::vector<bool>(count, true);
  }
  return reads.read;
}

// Written while kernels are registered, which is done once, and read after.
std::unordered_map<const OpInfo*, bool (*)(const void*)>& recomputed_operations() {
  static std::unordered_map<const OpInfo*, bool (*)(const void*)> operations;
  return operations;
}

OpNode* producer_of(const Tensor& tensor) {
  return tensor.defined() && tensor.grad_meta() ? dynamic_cast<OpNode*>(tensor.grad_meta()->node.get()) : nullptr;
}

}  // namespace

void recompute_in_backward(const OpInfo& info, bool (*which)(const void*)) { recomputed_operations()[&info] = which; }

bool is_recomputed(const OpInfo& info, const void* op) {
  const auto found = recomputed_operations().find(&info);
  return found != recomputed_operations().end() && (found->second == nullptr || found->second(op));
}

void set_decompose_vjp(DecomposeVjp function) { decompose_vjp = function; }

KeepValues::KeepValues(bool enabled) : previous_(std::exchange(keep_values, keep_values || enabled)) {}

KeepValues::~KeepValues() { keep_values = previous_; }

bool wants_gradient(std::span<const Tensor> inputs) {
  return grad_enabled() &&
         std::any_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return t.defined() && t.requires_grad(); });
}

void attach_to_tape(std::span<Tensor> outputs, const std::shared_ptr<GradNode>& node) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!is_floating_point(outputs[i].dtype())) continue;
    // A decomposition or a view may hand an input through; the copy keeps the input's own place on the tape.
    Tensor output = outputs[i].detach();
    auto meta = std::make_shared<GradMeta>();
    meta->requires_grad = true;
    meta->node = node;
    meta->output_index = static_cast<int>(i);
    output.set_grad_meta(std::move(meta));
    outputs[i] = output;
  }
}

void record_on_tape(const OpInfo& info, const void* op, std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  auto node = std::make_shared<OpNode>();
  node->info = &info;
  node->op = info.copy(op);
  node->inputs.assign(inputs.begin(), inputs.end());
  node->num_outputs = static_cast<int>(outputs.size());
  node->keeps_values = keep_values;
  node->computes_again = !keep_values && is_recomputed(info, op);
  const std::vector<bool> read = keep_values ? std::vector<bool>(inputs.size() + outputs.size(), true)
                                             : read_by_gradient(info, op, inputs, outputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    Tensor& input = node->inputs[i];
    if (!input.defined() || input.encoding() != nullptr || keep_values) continue;
    const OpNode* const producer = producer_of(input);
    if (read[i] || node->computes_again) {
      if (producer == nullptr || !producer->computes_again) continue;
      node->computed_again.push_back(i);
    }
    input = outline(input);
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    const bool kept = read[inputs.size() + i] && !node->computes_again;
    node->outputs.push_back(kept ? outputs[i].detach() : outline(outputs[i].detach()));
  }
  attach_to_tape(outputs, node);
}

Tensors OpNode::backward(const Tensors& grad_outputs) {
  if (const auto give_back = std::exchange(restore, nullptr)) give_back();
  compute_inputs();
  Backward b;
  // The outputs come back with their place on the tape, so that gradients of gradients flow through them.
  Tensors alive;
  for (const Tensor& output : outputs) alive.push_back(output.detach());
  if (grad_enabled()) attach_to_tape(alive, shared_from_this());
  Tensors grads = grad_outputs;
  for (size_t i = 0; i < grads.size(); ++i) {
    if (!grads[i].defined()) grads[i] = Tensor::zeros(outputs[i].shape(), outputs[i].dtype(), outputs[i].device());
  }
  b.inputs = inputs;
  b.outputs = alive;
  b.grads = grads;
  for (const Tensor& input : inputs) b.needs.push_back(input.defined() && input.requires_grad());
  if (info->vjp != nullptr) return info->vjp(op.get(), b);
  if (decompose_vjp == nullptr) throw Error(ErrorKind::kInternal, info->name, "gradients need the autograd layer");
  return decompose_vjp(*this, b);
}

void OpNode::compute_inputs() {
  for (const size_t i : std::exchange(computed_again, {})) {
    const std::shared_ptr<GradMeta> place = inputs[i].grad_meta();
    inputs[i] = producer_of(inputs[i])->output_again(place->output_index).detach();
    inputs[i].set_grad_meta(place);
  }
}

// The first who asks has it computed; it stays until this node is let go, which is behind all who may ask.
const Tensor& OpNode::output_again(int index) {
  if (inputs.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "backward",
                std::string("the tape of ") + info->name + " was let go of by an earlier backward",
                "pass retain_graph = true to the earlier one");
  }
  if (!has_outputs_again_) {
    compute_inputs();
    const NoGrad no_grad;
    outputs = apply_op(*info, op.get(), inputs);
    has_outputs_again_ = true;
  }
  return outputs[static_cast<size_t>(index)];
}

}  // namespace imago
