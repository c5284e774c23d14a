// Gradient checkpointing (Chen et al. 2016) on the tape itself: what operations have computed is freed, and computed
// again from what is on the tape when backward comes to it. Models do not know of it. (checkpoint.h does the same for
// one function.)
#pragma once

#include "imago/ops/op_node.h"

namespace imago {

class ActivationFile;

// Frees what the tape keeps between `inputs` and `outputs`, or between earlier calls' outputs and these, all of which
// was recorded under KeepValues (ops/op_node.h). Gradients are bitwise those of a tape that keeps all, for the same
// operations run again. What something else still holds stays. What other operations gave, from which this is computed
// again, waits in `file` where there is one.
void free_activations(const Tensors& outputs, const Tensors& inputs = {}, ActivationFile* file = nullptr);

// While one is alive on this thread, stacks of layers keep what goes into each layer, and nothing else; in the file,
// where there is one, and not in memory.
class ActivationCheckpointing {
 public:
  explicit ActivationCheckpointing(bool enabled, ActivationFile* file = nullptr);
  ~ActivationCheckpointing();
  ActivationCheckpointing(const ActivationCheckpointing&) = delete;
  ActivationCheckpointing& operator=(const ActivationCheckpointing&) = delete;

 private:
  bool previous_;
  ActivationFile* previous_file_;
  KeepValues keep_;
};

// Called by a stack of layers with what goes into the next one.
void checkpoint_boundary(const Tensor& x);

}  // namespace imago
