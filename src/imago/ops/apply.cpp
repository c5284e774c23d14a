#include "imago/ops/apply.h"

#include <fmt/core.h>

#include <utility>

#include "imago/base/error.h"
#include "imago/ops/kernel_table.h"
#include "imago/ops/op_node.h"

namespace imago {
namespace {

thread_local ApplyObserver* innermost_observer = nullptr;
thread_local bool prefer_decompose = false;

Device common_device(const OpInfo& info, std::span<const Tensor> inputs) {
  Device device = Device::kCPU;
  bool first = true;
  for (const Tensor& input : inputs) {
    if (!input.defined()) continue;
    if (!first && input.device() != device) {
      throw Error(ErrorKind::kInvalidArgument, info.name,
                  fmt::format("inputs lie on {} and {}", to_string(device), to_string(input.device())),
                  "move them to one device");
    }
    device = input.device();
    first = false;
  }
  return device;
}

bool decomposes(const OpInfo& info, const TensorSpecs& specs, std::span<const Tensor> inputs, Device device) {
  if (info.decompose == nullptr || device == Device::kMeta) return false;
  if (prefer_decompose) return true;
  const DType dtype = inputs.empty() || !inputs[0].defined() ? specs[0].dtype : inputs[0].dtype();
  return !info.kernels[static_cast<size_t>(device)].computes(dtype);
}

Tensors run_kernel(const OpInfo& info, const void* op, std::span<const Tensor> inputs, const TensorSpecs& specs,
                   Device device) {
  if (info.view != nullptr) return {info.view(op, inputs[0])};
  Tensors outputs;
  outputs.reserve(specs.size());
  for (const TensorSpec& spec : specs) outputs.push_back(Tensor::empty(spec.shape, spec.dtype, device));
  if (device == Device::kMeta) return outputs;
  const Kernel& kernel = info.kernels[static_cast<size_t>(device)];
  const DType dtype = inputs.empty() || !inputs[0].defined() ? specs[0].dtype : inputs[0].dtype();
  if (!kernel.computes(dtype)) {
    throw Error(ErrorKind::kUnsupported, info.name,
                fmt::format("{} is not computed on {}", to_string(dtype), to_string(device)), "cast to float32");
  }
  kernel.run(op, inputs, outputs);
  return outputs;
}

// What happens inside an operation is its own affair: it is not observed.
class HideObservers {
 public:
  HideObservers() : hidden_(std::exchange(innermost_observer, nullptr)) {}
  ~HideObservers() { innermost_observer = hidden_; }

 private:
  ApplyObserver* hidden_;
};

}  // namespace

ApplyObserver::ApplyObserver() : parent_(std::exchange(innermost_observer, this)) {}

ApplyObserver::~ApplyObserver() { innermost_observer = parent_; }

PreferDecompose::PreferDecompose() : previous_(std::exchange(prefer_decompose, true)) {}

PreferDecompose::~PreferDecompose() { prefer_decompose = previous_; }

Tensors apply_op(const OpInfo& info, const void* op, std::span<const Tensor> inputs) {
  register_kernels_once();
  for (ApplyObserver* o = innermost_observer; o != nullptr; o = o->parent_) o->before(info, op, inputs);
  const Device device = common_device(info, inputs);
  const TensorSpecs specs = info.check(op, inputs);
  const bool decompose = decomposes(info, specs, inputs, device);
  const bool record = info.differentiable && wants_gradient(inputs);
  // Without a gradient of its own a decomposed operation leaves the tape to its parts, which saves computing them
  // twice.
  const bool parts_record = decompose && info.vjp == nullptr && record;

  Tensors outputs;
  {
    const GradMode mode(parts_record);
    const HideObservers hide;
    outputs = decompose ? info.decompose(op, inputs) : run_kernel(info, op, inputs, specs, device);
  }
  if (record && !parts_record) {
    const HideObservers hide;
    record_on_tape(info, op, inputs, outputs);
  }
  for (ApplyObserver* o = innermost_observer; o != nullptr; o = o->parent_) o->after(info, op, inputs, outputs);
  return outputs;
}

}  // namespace imago
