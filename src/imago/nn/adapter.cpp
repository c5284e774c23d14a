#include "imago/nn/adapter.h"

namespace imago::nn {

void AdapterSlot::each_field(FieldVisitor& visitor) {
  if (auto* adapters = dynamic_cast<AdapterVisitor*>(&visitor)) adapters->found(*this);
}

void AdapterVisitor::found(AdapterSlot& found_slot) {
  const std::string& field = path();  // "model.layers.0.mlp.up_proj.adapter"
  const size_t dot = field.rfind('.');
  slot(dot == std::string::npos ? std::string() : field.substr(0, dot), found_slot);
}

}  // namespace imago::nn
