// What a tensor knows of the gradient tape. The tape is written by ops/ and walked by autograd/.
#pragma once

#include <memory>
#include <string_view>

#include "imago/tensor/tensor.h"

namespace imago {

// One recorded step: how gradients of its outputs become gradients of its inputs.
class GradNode {
 public:
  virtual ~GradNode();

  virtual std::string_view name() const = 0;
  // `grad_outputs` has one entry per output, undefined where no gradient arrived. Gives one entry per input, undefined
  // where none flows.
  virtual Tensors backward(const Tensors& grad_outputs) = 0;

  Tensors inputs;
  int num_outputs = 1;
};

struct GradMeta {
  bool requires_grad = false;
  Tensor grad;
  std::shared_ptr<GradNode> node;  // null for a leaf
  int output_index = 0;
};

// Whether operations on this thread record the tape. On by default.
bool grad_enabled();

// Turns recording off (or on) on this thread while it is alive: torch's no_grad.
class GradMode {
 public:
  explicit GradMode(bool enabled);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool previous_;
};

struct NoGrad : GradMode {
  NoGrad() : GradMode(false) {}
};

}  // namespace imago
