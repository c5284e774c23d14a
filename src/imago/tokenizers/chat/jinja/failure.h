// What goes wrong inside a template, before it has a place: thrown by values, filters and operators, and turned into a
// TemplateError with line and column where the interpreter knows the place.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "imago/base/error.h"

namespace imago::chat::jinja {

// `exception` is the class that Jinja or Python would raise ("TypeError", "UndefinedError", ...).
struct Failure {
  ErrorKind kind;
  std::string_view exception;
  std::string message;
};

[[noreturn]] inline void fail(std::string_view exception, std::string message) {
  throw Failure{ErrorKind::kInvalidArgument, exception, std::move(message)};
}
[[noreturn]] inline void type_error(std::string message) { fail("TypeError", std::move(message)); }
[[noreturn]] inline void value_error(std::string message) { fail("ValueError", std::move(message)); }
[[noreturn]] inline void unsupported(std::string message) {
  throw Failure{ErrorKind::kUnsupported, "NotImplementedError", std::move(message)};
}
[[noreturn]] inline void limit_exceeded(std::string message) {
  throw Failure{ErrorKind::kLimitExceeded, "LimitExceeded", std::move(message)};
}

}  // namespace imago::chat::jinja
