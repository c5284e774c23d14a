// Fields whose names in the checkpoint are no names of C++: paths ("encoder.layers"), or members of a list ("conv.0").
#pragma once

#include "imago/tensor/fields.h"

// The names as one text, in the order of the fields: FIELDS_NAMED("norm, encoder.layers", norm, layers).
#define FIELDS_NAMED(names, ...)                                        \
  void each_field(::imago::FieldVisitor& field_visitor) {               \
    ::imago::internal::visit_fields(field_visitor, names, __VA_ARGS__); \
  }
