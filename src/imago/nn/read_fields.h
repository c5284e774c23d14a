// Fields from and to JSON objects.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/json.h"
#include "imago/tensor/fields.h"

namespace imago {

struct FieldsRead {
  std::vector<std::string> unknown;  // keys that are no field
};

namespace internal {

FieldsRead read_fields(const Json& json, const std::function<void(FieldVisitor&)>& each_field, std::string_view where);
void write_fields(const std::function<void(FieldVisitor&)>& each_field, Json& json);

}  // namespace internal

// Sets the fields whose names are keys of the object; the others keep their values. `where` names the file in errors.
// Throws Error kInvalidFile for a value of another type than its field.
template <HasFields Fields>
FieldsRead read_fields(const Json& json, Fields& fields, std::string_view where) {
  return internal::read_fields(
      json, [&](FieldVisitor& visitor) { fields.each_field(visitor); }, where);
}

// Sets the object's key of every field. A key that is there keeps its place, and its form where that means the same.
template <HasFields Fields>
void write_fields(Fields& fields, Json& json) {
  internal::write_fields([&](FieldVisitor& visitor) { fields.each_field(visitor); }, json);
}

}  // namespace imago
