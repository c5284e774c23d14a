// What every optimizer is: groups of parameters, a step, and a state for each parameter.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

// Parameters that share a learning rate and a weight decay, both of which may be changed between steps.
struct ParameterGroup {
  Tensors parameters;
  double lr = 1e-3;
  double weight_decay = 0;
};

class Optimizer {
 public:
  // What is kept of one parameter between steps. Names are torch's (exp_avg, momentum_buffer), so that a checkpoint of
  // the state says what it holds.
  struct State {
    int64_t step = 0;  // how often this parameter was moved
    std::map<std::string, Tensor> tensors;
  };

  // Steps write into the parameters' own storage, which must be writable. Each leaf is listed once.
  explicit Optimizer(std::vector<ParameterGroup> groups);
  virtual ~Optimizer() = default;

  // Moves every parameter that has a gradient.
  void step();
  void zero_grad();

  std::vector<ParameterGroup>& groups() { return groups_; }
  // One for each parameter, in the order of the groups; empty before the parameter's first step.
  std::vector<State>& states() { return states_; }

  // The parameter's new values. `state.step` counts this step already.
  virtual Tensor update(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state) = 0;

  // Whether update treats each element alone: then it is given a block of the parameter at a time, so that what comes
  // in between is small, and the parameter and its state are moved where they lie.
  virtual bool is_elementwise() const { return false; }

 protected:
  // The state's tensor of this name, made of zeros where there is none yet.
  static Tensor& kept(State& state, const char* name, const Tensor& like);

 private:
  void move_in_blocks(const Tensor& parameter, const Tensor& gradient, const ParameterGroup& group, State& state);

  std::vector<ParameterGroup> groups_;
  std::vector<State> states_;
};

// Scales each gradient so that the norm of all of them as one vector, which is `norm`, is at most `max_norm`.
void clip_grads_with_norm_(const Tensors& parameters, double max_norm, double norm);

// Scales the gradients together so that the norm of all of them, as one vector, is at most `max_norm`; gives the norm
// before. `p` is 2 or infinity. As torch.nn.utils.clip_grad_norm_.
double clip_grad_norm_(const Tensors& parameters, double max_norm, double p = 2);

}  // namespace imago
