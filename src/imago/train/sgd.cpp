#include "imago/train/sgd.h"

#include "imago/base/error.h"
#include "imago/ops/operators.h"

namespace imago {

SGD::SGD(std::vector<ParameterGroup> groups, SGDOptions options) : Optimizer(std::move(groups)), options_(options) {
  if (options.nesterov && (options.momentum <= 0 || options.dampening != 0)) {
    throw Error(ErrorKind::kInvalidArgument, "sgd", "nesterov needs momentum and no dampening",
                "set momentum above zero and dampening to zero");
  }
}

Tensor SGD::update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) {
  Tensor direction = group.weight_decay == 0 ? gradient : gradient + parameter * group.weight_decay;
  if (options_.momentum != 0) {
    Tensor& buffer = state.tensors["momentum_buffer"];
    // The first gradient enters whole, whatever the dampening.
    buffer = buffer.defined() ? buffer * options_.momentum + direction * (1 - options_.dampening) : direction * 1.0;
    direction = options_.nesterov ? direction + buffer * options_.momentum : buffer;
  }
  return parameter - direction * group.lr;
}

}  // namespace imago
