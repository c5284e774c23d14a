// Two linear layers with an activation between (Vaswani et al. 2017, section 3.3).
#pragma once

#include "imago/nn/activations.h"
#include "imago/nn/dropout.h"
#include "imago/nn/field_name.h"
#include "imago/nn/layers.h"

namespace imago::nn {

// dropout(second(activation(first(x))))
struct TwoLinears : Module {
  Linear first, second;

  TwoLinears(int64_t hidden_size, int64_t intermediate_size, std::string_view activation_name, double dropout = 0,
             bool bias = true)
      : first(hidden_size, intermediate_size, bias),
        second(intermediate_size, hidden_size, bias),
        activation(nn::activation(activation_name)),
        dropped(dropout) {}
  Tensor operator()(const Tensor& x) const { return nn::dropout(second(activation(first(x))), dropped); }

  Activation activation;
  double dropped;
};

// The same under an architecture's names.
template <FieldName first_name, FieldName second_name>
struct FeedForward : TwoLinears {
  using TwoLinears::TwoLinears;
  void each_field(FieldVisitor& visitor) {
    imago::internal::visit_field(visitor, first_name, first);
    imago::internal::visit_field(visitor, second_name, second);
  }
};

using MLP = FeedForward<"fc1", "fc2">;

}  // namespace imago::nn
