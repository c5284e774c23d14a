#include "imago/tensor/grad_meta.h"

#include <utility>

namespace imago {
namespace {

thread_local bool recording = true;

// The tape of a long sequence is a chain of nodes that own each other. Letting each destructor run the next would
// overflow the stack, so the inputs of dying nodes queue here and go one after the other.
thread_local std::vector<Tensors>* dying_inputs = nullptr;

}  // namespace

GradNode::~GradNode() {
  if (dying_inputs != nullptr) {
    dying_inputs->push_back(std::move(inputs));
    return;
  }
  std::vector<Tensors> queue;
  dying_inputs = &queue;
  queue.push_back(std::move(inputs));
  while (!queue.empty()) {
    const Tensors last = std::move(queue.back());
    queue.pop_back();
  }
  dying_inputs = nullptr;
}

bool grad_enabled() { return recording; }

GradMode::GradMode(bool enabled) : previous_(std::exchange(recording, enabled)) {}

GradMode::~GradMode() { recording = previous_; }

}  // namespace imago
