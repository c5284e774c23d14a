// Gradients by walking the tape that ops/ records.
#pragma once

#include <functional>
#include <span>

#include "imago/tensor/grad_meta.h"
#include "imago/tensor/tensor.h"

namespace imago {

// Adds d(loss)/d(leaf) to grad() of every leaf that requires a gradient. Without `grad` the loss must have one element.
// The tape is released afterwards unless `retain_graph`. Throws Error kInvalidArgument when nothing requires a
// gradient.
void backward(const Tensor& loss, const Tensor& grad = {}, bool retain_graph = false);

// The same, giving each leaf's gradient away as soon as it is complete, in place of adding it to grad(): what is done
// with a large one may be done while the tape behind it is still to be walked.
using TakeGradient = std::function<void(GradMeta& leaf, const Tensor& grad)>;
void backward_to(const Tensor& loss, const TakeGradient& take);

struct GradOptions {
  bool retain_graph = false;
  bool create_graph = false;  // record the gradients' own computation, for gradients of gradients
};

// d(outputs)/d(inputs) weighted by `grad_outputs` (ones where undefined); undefined for an input that no output depends
// on.
Tensors grad(std::span<const Tensor> outputs, std::span<const Tensor> inputs, std::span<const Tensor> grad_outputs = {},
             GradOptions options = {});

}  // namespace imago
