// Seeing what goes into linear layers: which there are, and what they are calibrated with.
#pragma once

#include "imago/nn/layers.h"

namespace imago::nn {

// While it lives, sees every product of a Linear on the thread that made it. The innermost one sees them.
class LinearObserver {
 public:
  LinearObserver();
  virtual ~LinearObserver();
  LinearObserver(const LinearObserver&) = delete;
  LinearObserver& operator=(const LinearObserver&) = delete;

  // Before the product is taken; `layer.path` is its place in the model. x [..., in_features].
  virtual void observe(const Linear& layer, const Tensor& x) = 0;

  static LinearObserver* current();

 private:
  LinearObserver* outer_;
};

}  // namespace imago::nn
