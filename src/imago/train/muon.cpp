#include "imago/train/muon.h"

#include <algorithm>
#include <cmath>

#include "imago/base/error.h"
#include "imago/ops/matmul/matmul.h"
#include "imago/ops/operators.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reduce/reduce.h"

namespace imago {

Muon::Muon(std::vector<ParameterGroup> groups, MuonOptions options) : Optimizer(std::move(groups)), options_(options) {
  for (const ParameterGroup& group : this->groups()) {
    for (const Tensor& parameter : group.parameters) {
      if (parameter.dim() == 2) continue;
      throw Error(ErrorKind::kInvalidArgument, "muon", "a parameter is " + parameter.describe() + " and not a matrix",
                  "give it to another optimizer");
    }
  }
}

// Drives the singular values towards 1, in the direction's own dtype: bfloat16, in which the paper and torch iterate,
// gains no time here and loses three digits.
Tensor Muon::orthogonalized(const Tensor& direction) const {
  const bool tall = direction.size(0) > direction.size(1);
  Tensor x = tall ? transpose(direction, 0, 1) : direction;
  x = x / std::max(norm(x).item<double>(), options_.eps);
  for (int i = 0; i < options_.ns_steps; ++i) {
    const Tensor gram = matmul(x, transpose(x, 0, 1));
    x = x * options_.a + matmul(gram * options_.b + matmul(gram, gram) * options_.c, x);
  }
  return tall ? transpose(x, 0, 1) : x;
}

Tensor Muon::update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) {
  Tensor& buffer = kept(state, "momentum_buffer", parameter);
  buffer = buffer + (gradient - buffer) * (1 - options_.momentum);
  const Tensor direction = options_.nesterov ? gradient + (buffer - gradient) * options_.momentum : buffer;
  const double rows = static_cast<double>(parameter.size(0)), columns = static_cast<double>(parameter.size(1));
  const double ratio =
      options_.match_rms_adamw ? 0.2 * std::sqrt(std::max(rows, columns)) : std::sqrt(std::max(1.0, rows / columns));
  return parameter * (1 - group.lr * group.weight_decay) - orthogonalized(direction) * (group.lr * ratio);
}

}  // namespace imago
