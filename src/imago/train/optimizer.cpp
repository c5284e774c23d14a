#include "imago/train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/tensor/grad_meta.h"

namespace imago {

Optimizer::Optimizer(std::vector<ParameterGroup> groups) : groups_(std::move(groups)) {
  size_t count = 0;
  for (const ParameterGroup& group : groups_) count += group.parameters.size();
  states_.resize(count);
}

void Optimizer::step() {
  const NoGrad no_grad;
  size_t index = 0;
  for (const ParameterGroup& group : groups_) {
    for (const Tensor& parameter : group.parameters) {
      State& state = states_[index++];
      const Tensor gradient = parameter.grad();
      if (!gradient.defined()) continue;
      ++state.step;
      if (is_elementwise() && parameter.is_contiguous()) {
        move_in_blocks(parameter.detach(), contiguous(gradient), group, state);
      } else {
        copy_(parameter, update(parameter.detach(), gradient, group, state));
      }
    }
  }
}

void Optimizer::move_in_blocks(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group,
                               State& state) {
  constexpr int64_t kBlock = int64_t{1} << 17;  // the temporaries of one fit in the cache
  const bool is_first = state.tensors.empty();
  for (auto& [name, whole] : state.tensors) {
    if (!whole.storage()->writable()) whole = clone(whole);  // it lies in a checkpoint's file
  }
  for (int64_t begin = 0; begin < parameter.numel(); begin += kBlock) {
    const int64_t count = std::min(kBlock, parameter.numel() - begin);
    const auto part = [&](const Tensor& whole) { return whole.alias({count}, {1}, whole.offset() + begin); };
    State block{state.step, {}};
    if (!is_first) {
      for (const auto& [name, whole] : state.tensors) block.tensors[name] = part(whole);
    }
    copy_(part(parameter), update(part(parameter), part(gradient), group, block));
    for (const auto& [name, moved] : block.tensors) {
      Tensor& whole = state.tensors[name];
      if (!whole.defined()) whole = Tensor::empty(parameter.shape(), moved.dtype());
      copy_(part(whole), moved);
    }
  }
}

void Optimizer::zero_grad() {
  for (const ParameterGroup& group : groups_) {
    for (const Tensor& parameter : group.parameters) parameter.set_grad({});
  }
}

Tensor& Optimizer::kept(State& state, const char* name, const Tensor& like) {
  Tensor& tensor = state.tensors[name];
  if (!tensor.defined()) tensor = Tensor::zeros(like.shape(), like.dtype(), like.device());
  return tensor;
}

double clip_grad_norm_(const Tensors& parameters, double max_norm, double p) {
  const NoGrad no_grad;
  double total = 0;
  for (const Tensor& parameter : parameters) {
    if (!parameter.grad().defined()) continue;
    const double each = norm(parameter.grad(), p).item<double>();
    // Written so that a NaN stays one and is seen by the caller.
    if (std::isinf(p))
      total = each <= total ? total : each;
    else
      total = std::hypot(total, each);
  }
  clip_grads_with_norm_(parameters, max_norm, total);
  return total;
}

void clip_grads_with_norm_(const Tensors& parameters, double max_norm, double norm) {
  const NoGrad no_grad;
  const double scale = max_norm / (norm + 1e-6);
  if (scale >= 1) return;
  for (const Tensor& parameter : parameters) {
    if (parameter.grad().defined()) parameter.set_grad(parameter.grad() * scale);
  }
}

}  // namespace imago
