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
  explicit Recorder(const TextInputs& inputs) : inputs_(inputs) {}

  // Records what goes into a layer, and passes it on.
  const Tensor& operator()(const Tensor& x_BTD);
  // The output, with the last of the hidden states. To be called once.
  BaseModelOutput finish(Tensor last_hidden_state);

  // Where attention puts its weights; null where they are not wanted.
  Tensors* attentions() { return inputs_.output_attentions ? &output_.attentions : nullptr; }
  Tensors* cross_attentions() { return inputs_.output_attentions ? &output_.cross_attentions : nullptr; }

 private:
  const TextInputs& inputs_;
  BaseModelOutput output_;
};

}  // namespace imago::nn
