// FIELDS(a, b) in a struct lists its fields for visitors: config keys, checkpoint tensors, attributes of operations.
// A visitor is one virtual class, so that loading, saving, casting, counting and printing are compiled once, not per
// model.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "imago/tensor/tensor.h"

namespace imago {

// A field whose value is any JSON, kept as its text so that headers need no JSON library; empty where there is none.
struct JsonText {
  std::string text;
};

// A reference to one field that has no fields of its own.
using FieldRef =
    std::variant<bool*, int64_t*, double*, float*, std::string*, std::optional<bool>*, std::optional<int64_t>*,
                 std::optional<double>*, std::optional<std::string>*, std::vector<int64_t>*, std::vector<double>*,
                 std::vector<std::string>*, std::optional<std::vector<int64_t>>*, std::optional<std::vector<double>>*,
                 std::optional<std::vector<std::string>>*, Shape*, DType*, JsonText*, Tensor*>;

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void leaf(std::string_view name, FieldRef field) = 0;
  // A struct with fields of its own, or a list of such structs (its items come as "0", "1", ...).
  virtual void enter(std::string_view name) = 0;
  virtual void leave() = 0;
  // Called inside a module, with the place where it keeps its path.
  virtual void module_path(std::string& /*path*/) {}
};

template <class T>
concept HasFields = requires(T& value, FieldVisitor& visitor) {
  value.each_field(visitor);
};

namespace internal {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsOptional<std::unique_ptr<T>> : std::true_type {};
template <class T>
struct IsOptional<std::shared_ptr<T>> : std::true_type {};

template <class T>
void visit_field(FieldVisitor& visitor, std::string_view name, T& value) {
  if constexpr (HasFields<T>) {
    visitor.enter(name);
    if constexpr (requires { visitor.module_path(value.path); }) visitor.module_path(value.path);
    value.each_field(visitor);
    visitor.leave();
  } else if constexpr (std::is_constructible_v<FieldRef, T*>) {
    visitor.leaf(name, &value);
  } else if constexpr (IsOptional<T>::value) {
    if (value) visit_field(visitor, name, *value);
  } else {  // a list of modules
    visitor.enter(name);
    int64_t index = 0;
    for (auto& item : value) visit_field(visitor, std::to_string(index++), item);
    visitor.leave();
  }
}

inline void visit_fields(FieldVisitor&, std::string_view) {}

// `names` is the macro's argument list as text. A trailing underscore, which keeps a name from being a C++ keyword, is
// not part of the field's name.
template <class First, class... Rest>
void visit_fields(FieldVisitor& visitor, std::string_view names, First& first, Rest&... rest) {
  const size_t comma = names.find(',');
  std::string_view name = names.substr(0, comma);
  while (name.front() == ' ' || name.front() == '\n') name.remove_prefix(1);
  while (name.back() == ' ' || name.back() == '\n' || name.back() == '_') name.remove_suffix(1);
  visit_field(visitor, name, first);
  if constexpr (sizeof...(rest) > 0) visit_fields(visitor, names.substr(comma + 1), rest...);
}

}  // namespace internal
}  // namespace imago

#define FIELDS(...)                                                                          \
  void each_field(::imago::FieldVisitor& field_visitor) {                                    \
    ::imago::internal::visit_fields(field_visitor, #__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__); \
  }

// The fields of a base struct, then these.
#define FIELDS_AND(Base, ...)                                                                \
  void each_field(::imago::FieldVisitor& field_visitor) {                                    \
    Base::each_field(field_visitor);                                                         \
    ::imago::internal::visit_fields(field_visitor, #__VA_ARGS__ __VA_OPT__(, ) __VA_ARGS__); \
  }
