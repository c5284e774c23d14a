#include "imago/nn/model.h"

#include <fmt/core.h>

#include "imago/base/error.h"

namespace imago::internal {
namespace {

class InputAssigner final : public PathVisitor {
 public:
  explicit InputAssigner(TensorMap tensors) : tensors_(std::move(tensors)) {}

  void leaf(std::string_view name, FieldRef field) override {
    auto* slot = std::get_if<Tensor*>(&field);
    auto* truth = std::get_if<bool*>(&field);
    const auto found = tensors_.find(path_to(name));
    if ((slot == nullptr && truth == nullptr) || found == tensors_.end()) return;
    if (slot != nullptr) **slot = found->second;
    if (truth != nullptr) **truth = found->second.item<bool>();
    tensors_.erase(found);
  }

  void reject_rest() const {
    if (tensors_.empty()) return;
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("the model takes no input \"{}\"", tensors_.begin()->first));
  }

 private:
  TensorMap tensors_;
};

}  // namespace

void assign_inputs(const std::function<void(FieldVisitor&)>& each_field, const TensorMap& tensors) {
  InputAssigner assigner(tensors);
  each_field(assigner);
  assigner.reject_rest();
}

TensorMap collect_outputs(const std::function<void(FieldVisitor&)>& each_field) {
  TensorMap outputs;
  const ParameterVisit collect = [&](const std::string& path, Tensor& tensor) { outputs.emplace(path, tensor); };
  ParameterVisitor visitor(collect);
  each_field(visitor);
  return outputs;
}

}  // namespace imago::internal
