// Modules: plain structs whose FIELDS are their parameters and parts. A parameter is a Tensor; its name is its path of
// fields, which is its name in the checkpoint ("model.layers.3.mlp.up_proj.weight").
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "imago/tensor/fields.h"
#include "imago/tensor/tensor.h"

namespace imago {

struct Module {
  // Where the module stands in its model, for error messages; set when a model is loaded.
  std::string path;
};

// A parameter that has a shape but no values yet.
inline Tensor parameter(const Shape& shape, DType dtype = DType::f32) {
  return Tensor::empty(shape, dtype, Device::kMeta);
}

// Calls visit(path, parameter) for every defined tensor below `root`, in the order of the fields.
using ParameterVisit = std::function<void(const std::string& path, Tensor& parameter)>;
template <HasFields Root>
void for_each_parameter(Root& root, const ParameterVisit& visit);

// Tells every module below `root` where it stands.
template <HasFields Root>
void set_module_paths(Root& root);

// A visitor that keeps the path of fields it is inside.
class PathVisitor : public FieldVisitor {
 public:
  void enter(std::string_view name) override;
  void leave() override;

 protected:
  std::string path_to(std::string_view name) const;  // "layers.3.weight"
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<size_t> lengths_;
};

namespace internal {

class ParameterVisitor final : public PathVisitor {
 public:
  explicit ParameterVisitor(const ParameterVisit& visit) : visit_(visit) {}
  void leaf(std::string_view name, FieldRef field) override;

 private:
  const ParameterVisit& visit_;
};

class ModulePathVisitor final : public PathVisitor {
 public:
  void leaf(std::string_view, FieldRef) override {}
  void module_path(std::string& path) override { path = this->path(); }
};

}  // namespace internal

template <HasFields Root>
void set_module_paths(Root& root) {
  internal::ModulePathVisitor visitor;
  root.each_field(visitor);
}

template <HasFields Root>
void for_each_parameter(Root& root, const ParameterVisit& visit) {
  internal::ParameterVisitor visitor(visit);
  root.each_field(visitor);
}

}  // namespace imago
