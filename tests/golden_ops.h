// How the cases of golden/ops.json are called: the reference's name of an operation to ours.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "imago/base/json.h"
#include "imago/tensor/tensor.h"

namespace imago {

// One case: its input tensors and its keyword arguments.
struct GoldenCall {
  Tensors inputs;
  Json args;

  const Tensor& in(size_t i) const { return inputs[i]; }
  Tensor optional_in(size_t i) const { return i < inputs.size() ? inputs[i] : Tensor(); }
  bool has(const char* name) const { return args.contains(name); }
  template <class T>
  T get(const char* name, T otherwise) const {
    return has(name) ? args.at(name).get<T>() : otherwise;
  }
  int64_t dim() const { return args.at("dim").get<int64_t>(); }
  bool keepdim() const { return get("keepdim", false); }
  // An argument that is one number or a list of them.
  Shape shape(const char* name, const Shape& otherwise = {}) const {
    if (!has(name)) return otherwise;
    const Json& value = args.at(name);
    return value.is_array() ? Shape(std::span<const int64_t>(value.get<std::vector<int64_t>>()))
                            : Shape{value.get<int64_t>()};
  }
};

using GoldenOps = std::map<std::string, std::function<Tensors(const GoldenCall&)>>;

void add_golden_math(GoldenOps& ops);
void add_golden_layers(GoldenOps& ops);

}  // namespace imago
