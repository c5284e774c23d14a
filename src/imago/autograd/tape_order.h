// The order of a tape.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

// The nodes that `outputs` come from, each behind all that it uses. `enter` gives the shared pointer to a tensor's
// node, or null where the walk ends: at leaves, and at nodes that it gave before. Not recursive: tapes are long.
template <class Enter>
auto inputs_first(std::span<const Tensor> outputs, Enter enter) {
  using Pointer = decltype(enter(outputs.front()));
  std::vector<Pointer> order;
  std::vector<std::pair<Pointer, size_t>> stack;
  const auto push = [&](const Tensor& tensor) {
    if (Pointer node = enter(tensor)) stack.emplace_back(std::move(node), 0);
  };
  for (const Tensor& output : outputs) {
    push(output);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next < node->inputs.size()) {
        push(node->inputs[next++]);
      } else {
        order.push_back(std::move(node));
        stack.pop_back();
      }
    }
  }
  return order;
}

}  // namespace imago
