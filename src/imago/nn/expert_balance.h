// How evenly a mixture of experts is used, and the loss that makes it more even (Fedus et al. 2021, "Switch
// Transformers", equations 4 to 6). N tokens, E experts, k of a token.
#pragma once

#include "imago/nn/heads/language_model.h"

namespace imago::nn {

// While one is alive on this thread, routers leave their scores with it where `enabled`.
class RouterLogits {
 public:
  explicit RouterLogits(bool enabled);
  ~RouterLogits();
  RouterLogits(const RouterLogits&) = delete;
  RouterLogits& operator=(const RouterLogits&) = delete;

  // The scores of a layer's experts before the softmax, [N, E]. Called by routers, with or without one alive.
  static void record(const Tensor& logits_NE);
  Tensors take() { return std::move(layers_); }

 private:
  bool enabled_;
  Tensors layers_;
  RouterLogits* previous_;
};

struct ExpertBalance {
  int64_t experts = 0, experts_per_token = 0;
  double coefficient = 0;  // of this loss in that of training, router_aux_loss_coef
};

// E times the sum over experts of the share of choices that fell on one and its mean probability, both over all layers'
// tokens: 1 at least for k = 1. attention_mask [B, T], may be undefined, says which tokens count.
Tensor expert_balance_loss(const Tensors& router_logits, const ExpertBalance& balance, const Tensor& attention_mask);

// The output with its part added to the loss, where there is one.
LogitsOutput with_balance_loss(LogitsOutput out, const Tensors& router_logits, const ExpertBalance& balance,
                               const Tensor& attention_mask);

// A language model whose configuration has expert_balance() and, where this loss is asked for, output_router_logits.
template <class Base>
struct BalancedForCausalLM : ForCausalLM<Base> {
  using BalancedForCausalLM::ForCausalLM::ForCausalLM;
  LogitsOutput forward(const TextInputs& in) const override {
    RouterLogits record(this->config().output_router_logits && in.labels);
    LogitsOutput out = BalancedForCausalLM::ForCausalLM::forward(in);
    return with_balance_loss(std::move(out), record.take(), this->config().expert_balance(), in.attention_mask);
  }
};

}  // namespace imago::nn
