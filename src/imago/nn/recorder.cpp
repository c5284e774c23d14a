#include "imago/nn/recorder.h"

#include "imago/autograd/rematerialize.h"

namespace imago::nn {

const Tensor& Recorder::operator()(const Tensor& x_BTD) {
  checkpoint_boundary(x_BTD);
  if (hidden_states_) output_.hidden_states.push_back(x_BTD);
  return x_BTD;
}

BaseModelOutput Recorder::finish(Tensor last_hidden_state) {
  (*this)(last_hidden_state);
  output_.last_hidden_state = std::move(last_hidden_state);
  return std::move(output_);
}

}  // namespace imago::nn
