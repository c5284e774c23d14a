#include "imago/train/parallel/zero_weights.h"

#include "imago/autograd/backward.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/operators.h"
#include "imago/tensor/grad_meta.h"

namespace imago {

std::vector<NamedParameter> ZeroWeights::parameters() {
  whole_ = weights_.parameters();
  parts_ = whole_;
  index_of_.clear();
  for (size_t i = 0; i < whole_.size(); ++i) {
    Tensor& whole = whole_[i].value;
    index_of_[whole.grad_meta().get()] = i;
    if (stage_ == 0 || whole.dim() == 0) continue;
    const auto sharding = Sharding::split(communicator(), whole_[i].name, whole.shape(), 0);
    parts_[i].sharding = sharding;
    parts_[i].value = sharding->part(whole.detach());
    parts_[i].value.set_requires_grad(true);
  }
  return parts_;
}

void ZeroWeights::save(const std::string& folder) {
  if (communicator().is_first()) weights_.save(folder);
}

void ZeroWeights::keep_part(size_t index, const Tensor& whole_gradient) {
  const NoGrad no_grad;
  const NamedParameter& part = parts_[index];
  const Tensor gradient = part.sharding->reduce(whole_gradient);
  part.value.set_grad(part.value.grad().defined() ? part.value.grad() + gradient : gradient);
}

void ZeroWeights::backward(const Tensor& loss) {
  if (stage_ < 2) return ParallelWeights::backward(loss);
  const auto take = [this](GradMeta& leaf, const Tensor& gradient) {
    const auto found = index_of_.find(&leaf);
    if (found == index_of_.end() || !parts_[found->second].sharding) {
      leaf.grad = leaf.grad.defined() ? leaf.grad + gradient : clone(gradient);
      return;
    }
    parts_[found->second].sharding->meet();
    keep_part(found->second, gradient);
  };
  backward_to(loss, take);
}

void ZeroWeights::reduce_gradients(const std::vector<NamedParameter>& parameters) {
  if (stage_ == 2) return add_up(parameters);  // of what is not divided
  add_up(whole_);
  if (stage_ == 0) return;
  for (size_t i = 0; i < whole_.size(); ++i) {
    const Tensor gradient = whole_[i].value.grad();
    if (!parts_[i].sharding || !gradient.defined()) continue;
    parts_[i].value.set_grad(parts_[i].sharding->part(gradient));
    whole_[i].value.set_grad({});
  }
}

void ZeroWeights::parameters_moved() {
  for (size_t i = 0; i < whole_.size(); ++i) {
    if (parts_[i].sharding) copy_(whole_[i].value.detach(), parts_[i].sharding->gather(parts_[i].value));
  }
}

}  // namespace imago
