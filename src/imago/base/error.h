// The one exception type that reaches the edge of the API.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace imago {

// What kind of failure it is, for callers that react by kind (a server maps them to status codes).
enum class ErrorKind {
  kInvalidArgument,  // the caller passed something that cannot be computed
  kInvalidFile,      // a file is malformed, truncated or contradicts itself
  kNotFound,         // a file, model, tensor or name is not there
  kUnsupported,      // well-formed, but Imago does not compute it
  kLimitExceeded,    // a bound on size, depth, steps or time was reached
  kIo,               // the operating system refused (no space, no permission)
  kInternal,         // a defect in Imago
};

std::string_view to_string(ErrorKind kind);

// An error says where, what and what to do:
//   "[matmul] inner sizes differ: a [2, 8, 64] @ b [32, 16] in model.layers.3.mlp.up_proj. Hint: transpose b"
// The part behind "in" is the stack of ErrorScopes that are open on this thread.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string_view where, std::string_view what, std::string_view hint = {});

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// Names what is being worked on while it is alive (a module's path, a file), for errors raised below it.
// The name is not copied: it must outlive the scope.
class ErrorScope {
 public:
  explicit ErrorScope(std::string_view name);
  ~ErrorScope();
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;

  static std::string path();  // the names of the open scopes, outermost first, joined by ": "

 private:
  std::string_view name_;
  ErrorScope* parent_;
};

}  // namespace imago
