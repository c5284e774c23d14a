#include "imago/nn/mixture_of_experts.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/nn/expert_balance.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/concat/concat.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"
#include "imago/ops/softmax/softmax.h"
#include "imago/ops/topk/topk.h"

namespace imago::nn {
namespace {

// The N * k (token, choice) pairs in the order of their experts.
struct Groups {
  std::vector<int64_t> first;   // where each expert's pairs begin; of E + 1
  std::vector<int64_t> tokens;  // of each pair
  std::vector<int64_t> places;  // of pair (n, j), as n * k + j, in that order
};

Groups group_by_expert(const Tensor& experts_Nk, int64_t num_experts) {
  const std::vector<int64_t> experts = experts_Nk.to_vector<int64_t>();
  const auto k = static_cast<size_t>(experts_Nk.size(1));
  Groups groups;
  groups.first.assign(static_cast<size_t>(num_experts) + 1, 0);
  for (const int64_t expert : experts) ++groups.first[static_cast<size_t>(expert) + 1];
  for (size_t e = 1; e < groups.first.size(); ++e) groups.first[e] += groups.first[e - 1];
  groups.tokens.resize(experts.size());
  groups.places.resize(experts.size());
  std::vector<int64_t> next = groups.first;
  for (size_t pair = 0; pair < experts.size(); ++pair) {
    const int64_t place = next[static_cast<size_t>(experts[pair])]++;
    groups.tokens[static_cast<size_t>(place)] = static_cast<int64_t>(pair / k);
    groups.places[pair] = place;
  }
  return groups;
}

DType at_least_float32(DType dtype) { return dtype == DType::f64 ? DType::f64 : DType::f32; }

}  // namespace

Routing route_by_softmax(const Tensor& logits_NE, int64_t k, bool normalise) {
  SortResult best = topk(softmax(logits_NE, -1, at_least_float32(logits_NE.dtype())), k);
  if (normalise) best.values = best.values / sum(best.values, {-1}, true);
  return {best.indices, best.values};
}

Tensor mix_experts(const Tensor& x_ND, const Routing& routing, int64_t num_experts, const ApplyExpert& apply) {
  const int64_t tokens = x_ND.size(0), k = routing.experts.size(1);
  if (tokens == 0) return x_ND;
  const Groups groups = group_by_expert(routing.experts, num_experts);
  const Tensor grouped = index_select(x_ND, 0, Tensor::from(groups.tokens));
  Tensors outputs;
  for (int64_t e = 0; e < num_experts; ++e) {
    const int64_t first = groups.first[static_cast<size_t>(e)],
                  count = groups.first[static_cast<size_t>(e) + 1] - first;
    if (count > 0) outputs.push_back(apply(e, narrow(grouped, 0, first, count)));
  }
  const Tensor y = index_select(concat(outputs, 0), 0, Tensor::from(groups.places));
  const Tensor y_NkD = reshape(y, {tokens, k, y.size(1)});
  const DType wide = size_of(routing.weights.dtype()) > size_of(y.dtype()) ? routing.weights.dtype() : y.dtype();
  const Tensor weighted = cast(y_NkD, wide) * cast(unsqueeze(routing.weights, -1), wide);
  return cast(sum(weighted, {1}), x_ND.dtype());
}

// Far above every published model; a hostile file is refused before its experts are built.
constexpr int64_t kMostExperts = 1 << 14;

void require_experts(std::string_view key, int64_t num_experts, int64_t num_experts_per_tok) {
  if (num_experts >= 1 && num_experts <= kMostExperts && num_experts_per_tok >= 1 && num_experts_per_tok <= num_experts)
    return;
  throw Error(ErrorKind::kInvalidFile, "config.json",
              fmt::format("num_experts_per_tok is {}, {} is {}, of at most {}", num_experts_per_tok, key, num_experts,
                          kMostExperts));
}

MixtureOfExperts::MixtureOfExperts(const MixtureOptions& o) : gate(o.hidden_size, o.num_experts, false), options(o) {
  for (int64_t expert = 0; expert < o.num_experts; ++expert)
    experts.emplace_back(o.hidden_size, o.intermediate_size, o.activation);
}

Tensor MixtureOfExperts::operator()(const Tensor& x_BTD) const {
  const Tensor x_ND = flatten(x_BTD, 0, 1);
  const Tensor logits_NE = gate(x_ND);
  RouterLogits::record(logits_NE);
  Routing routing = route_by_softmax(logits_NE, options.num_experts_per_tok, options.normalise);
  if (!options.weights_in_float32) routing.weights = cast(routing.weights, x_BTD.dtype());
  const Tensor mixed = mix_experts(x_ND, routing, options.num_experts,
                                   [this](int64_t e, const Tensor& x) { return experts[static_cast<size_t>(e)](x); });
  return reshape(mixed, x_BTD.shape());
}

std::vector<StackRule> stacked_experts() {
  return {{"*mlp.experts.gate_up_proj", {"*mlp.experts.*.gate_proj.weight", "*mlp.experts.*.up_proj.weight"}},
          {"*mlp.experts.down_proj", {"*mlp.experts.*.down_proj.weight"}}};
}

}  // namespace imago::nn
