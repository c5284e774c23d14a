#include "imago/train/parallel/parallel_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "imago/autograd/backward.h"
#include "imago/base/error.h"
#include "imago/base/quote.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/tensor/grad_meta.h"
#include "imago/train/parallel/adapter_on_shards.h"
#include "imago/train/parallel/fully_sharded_model.h"
#include "imago/train/parallel/tensor_parallel_model.h"
#include "imago/train/parallel/zero_weights.h"

namespace imago {

void ParallelWeights::backward(const Tensor& loss) { imago::backward(loss); }

void ParallelWeights::reduce_gradients(const std::vector<NamedParameter>& parameters) { add_up(parameters); }

void ParallelWeights::add_up(const std::vector<NamedParameter>& parameters) {
  const NoGrad no_grad;
  std::vector<int64_t> has;
  for (const NamedParameter& parameter : parameters) has.push_back(parameter.value.grad().defined() ? 1 : 0);
  const Tensor anywhere = Tensor::from(has);
  communicator_.all_reduce(anywhere, Reduction::kMax);
  const std::vector<int64_t> used = anywhere.to_vector<int64_t>();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Tensor& value = parameters[i].value;
    if (parameters[i].sharding || used[i] == 0) continue;
    if (!value.grad().defined()) value.set_grad(Tensor::zeros(value.shape(), value.dtype()));
    communicator_.all_reduce(value.grad());
  }
}

double grad_norm(const std::vector<NamedParameter>& parameters, ParallelWeights* parallel) {
  const NoGrad no_grad;
  double whole = 0, parts = 0;
  for (const NamedParameter& parameter : parameters) {
    const Tensor gradient = parameter.value.grad();
    if (!gradient.defined() || gradient.numel() == 0) continue;
    double& total = parameter.sharding ? parts : whole;
    total = std::hypot(total, norm(gradient).item<double>());
  }
  if (parallel != nullptr) parts = std::sqrt(parallel->communicator().all_reduce(parts * parts));
  return std::hypot(whole, parts);
}

namespace {

template <class Sharded>
std::unique_ptr<ParallelWeights> make_sharded(Communicator& communicator, Model& model, TrainedWeights& weights,
                                              const std::vector<std::string>& frozen) {
  if (dynamic_cast<const WholeModel*>(&weights) != nullptr)
    return std::make_unique<Sharded>(communicator, model, frozen);
  if (auto* adapter = dynamic_cast<TrainedAdapter*>(&weights)) {
    auto base = std::make_unique<Sharded>(communicator, model, frozen, &adapter->adapters());
    return std::make_unique<AdapterOnShards>(communicator, *adapter, std::move(base));
  }
  throw Error(ErrorKind::kUnsupported, "parallel", "a prompt on a base that processes divide",
              "prompts are trained with data, zero1 or zero2");
}

}  // namespace

std::vector<std::string> parallel_strategies() { return {"data", "zero1", "zero2", "zero3", "tensor"}; }

std::unique_ptr<ParallelWeights> make_parallel(const std::string& strategy, Communicator& communicator, Model& model,
                                               TrainedWeights& weights, const std::vector<std::string>& frozen) {
  if (strategy == "data") return std::make_unique<ZeroWeights>(communicator, weights, 0);
  if (strategy == "zero1") return std::make_unique<ZeroWeights>(communicator, weights, 1);
  if (strategy == "zero2") return std::make_unique<ZeroWeights>(communicator, weights, 2);
  if (strategy == "zero3") return make_sharded<FullyShardedModel>(communicator, model, weights, frozen);
  if (strategy == "tensor") return make_sharded<TensorParallelModel>(communicator, model, weights, frozen);
  throw Error(ErrorKind::kUnsupported, "parallel", fmt::format("there is no strategy {}", quote(strategy)),
              fmt::format("choose one of {}", fmt::join(parallel_strategies(), ", ")));
}

}  // namespace imago
