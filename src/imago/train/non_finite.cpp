#include "imago/train/non_finite.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/unary/unary.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

constexpr const char* kHint = "lower learning_rate or max_grad_norm, or look at the examples of this step";

// A maximum that meets a NaN is a NaN.
bool is_finite(const Tensor& tensor) { return tensor.numel() == 0 || std::isfinite(amax(abs(tensor)).item<double>()); }

// "hidden_states.10" stands behind "hidden_states.9".
std::string first_bad_layer(const TensorMap& outputs, const std::string& list) {
  for (int layer = 0;; ++layer) {
    const std::string name = fmt::format("{}.{}", list, layer);
    const auto found = outputs.find(name);
    if (found == outputs.end()) return {};
    if (!is_finite(found->second)) return name;
  }
}

}  // namespace

void throw_non_finite_loss(Model& model, const TensorMap& batch, double loss, int64_t step) {
  const NoGrad no_grad;
  std::string where = "the loss itself";
  const TensorMap outputs = model.run(batch, {.output_hidden_states = true});
  for (const char* list : {"decoder_hidden_states", "encoder_hidden_states", "hidden_states"}) {
    if (const std::string name = first_bad_layer(outputs, list); !name.empty()) where = name;
  }
  std::string parameter;
  for_each_parameter(model, [&](const std::string& name, Tensor& tensor) {
    const bool is_here = !tensor.is_meta() && is_floating_point(tensor.dtype());
    if (parameter.empty() && is_here && !is_finite(tensor)) parameter = name;
  });
  if (!parameter.empty()) where = "the parameter " + parameter;
  throw Error(ErrorKind::kInvalidArgument, "train",
              fmt::format("the loss of step {} is {}; the first that is not finite is {}", step, loss, where), kHint);
}

void throw_non_finite_gradient(const std::vector<NamedParameter>& parameters, int64_t step) {
  // Gradients flow from the last layer to the first: the last parameter is nearest to where it began.
  std::string where;
  for (const NamedParameter& parameter : parameters) {
    if (parameter.value.grad().defined() && !is_finite(parameter.value.grad())) where = parameter.name;
  }
  throw Error(ErrorKind::kInvalidArgument, "train",
              fmt::format("the gradient of step {} is not finite in {}", step, where), kHint);
}

}  // namespace imago
