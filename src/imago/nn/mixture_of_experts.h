// Feed forwards of which each token takes a few (Shazeer et al. 2017, "Outrageously Large Neural Networks: The
// Sparsely-Gated Mixture-of-Experts Layer"). B batch, T tokens, D hidden, N = B * T tokens, E experts, k of a token.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "imago/nn/gated_mlp.h"
#include "imago/nn/weight_map.h"

namespace imago::nn {

// Which experts each token takes, and how much of each.
struct Routing {
  Tensor experts;  // [N, k] int64
  Tensor weights;  // [N, k]
};

// The k experts of the highest scores [N, E], weighted by their softmax over all experts (in float32 at least), made to
// sum to one where `normalise`.
Routing route_by_softmax(const Tensor& logits_NE, int64_t k, bool normalise);

// The weighted sum of what each token's experts make of it, [N, D]. `apply(e, x)` is expert e on its tokens [n, D]; it
// is called once per expert that has any. Sums are taken in the wider of the outputs' and the weights' types.
using ApplyExpert = std::function<Tensor(int64_t expert, const Tensor& x)>;
Tensor mix_experts(const Tensor& x_ND, const Routing& routing, int64_t num_experts, const ApplyExpert& apply);

// Throws Error kInvalidFile unless there are experts, and as many of them for a token.
void require_experts(std::string_view key, int64_t num_experts, int64_t num_experts_per_tok);

struct MixtureOptions {
  int64_t hidden_size = 0, intermediate_size = 0, num_experts = 0, num_experts_per_tok = 0;
  std::string activation = "silu";
  bool normalise = true;           // see route_by_softmax
  bool weights_in_float32 = true;  // or in the type of x
};

struct MixtureOfExperts : Module {
  Linear gate;
  std::vector<GatedMLP> experts;
  FIELDS(gate, experts)

  explicit MixtureOfExperts(const MixtureOptions& o);
  Tensor operator()(const Tensor& x_BTD) const;

  MixtureOptions options;
};

// The reference has the matrices of all such experts as two, whose gradients it gives: mlp.experts.gate_up_proj
// [E, 2 I, D] and mlp.experts.down_proj [E, D, I].
std::vector<StackRule> stacked_experts();

// A feed forward that is dense in some layers and sparse in others, under the same name.
template <class Sparse>
struct DenseOrSparse : Module {
  std::optional<GatedMLP> dense;
  std::optional<Sparse> sparse;

  void each_field(FieldVisitor& visitor) { dense ? dense->each_field(visitor) : sparse->each_field(visitor); }
  Tensor operator()(const Tensor& x_BTD) const { return dense ? (*dense)(x_BTD) : (*sparse)(x_BTD); }
};

}  // namespace imago::nn
