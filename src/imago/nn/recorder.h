// What one pass through a stack of layers keeps for its output.
#pragma once

#include "imago/nn/model.h"

namespace imago::nn {

// Keeps hidden states and attention weights where the inputs ask for them:
//   Recorder record(in);
//   for (const Layer& layer : layers) x = layer(record(x), context);
//   return record.finish(norm(x));
class Recorder {
 public:
  template <class Inputs>  // TextInputs, or another kind that asks in the same way
  explicit Recorder(const Inputs& inputs)
      : hidden_states_(inputs.output_hidden_states), attentions_(inputs.output_attentions) {}

  // Records what goes into a layer, and passes it on.
  const Tensor& operator()(const Tensor& x_BTD);
  // The output, with the last of the hidden states. To be called once.
  BaseModelOutput finish(Tensor last_hidden_state);

  // Where attention puts its weights; null where they are not wanted.
  Tensors* attentions() { return attentions_ ? &output_.attentions : nullptr; }
  Tensors* cross_attentions() { return attentions_ ? &output_.cross_attentions : nullptr; }

 private:
  bool hidden_states_, attentions_;
  BaseModelOutput output_;
};

}  // namespace imago::nn
