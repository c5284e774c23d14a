#include "imago/nn/module.h"

namespace imago {

void PathVisitor::enter(std::string_view name) {
  lengths_.push_back(path_.size());
  path_ = path_to(name);
}

void PathVisitor::leave() {
  path_.resize(lengths_.back());
  lengths_.pop_back();
}

std::string PathVisitor::path_to(std::string_view name) const {
  std::string path = path_;
  if (!path.empty()) path += '.';
  return path.append(name);
}

void internal::ParameterVisitor::leaf(std::string_view name, FieldRef field) {
  if (auto* tensor = std::get_if<Tensor*>(&field); tensor != nullptr && (*tensor)->defined())
    visit_(path_to(name), **tensor);
}

}  // namespace imago
