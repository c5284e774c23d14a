#include "imago/base/error.h"

namespace imago {
namespace {

thread_local ErrorScope* innermost_scope = nullptr;

std::string compose(std::string_view where, std::string_view what, std::string_view hint) {
  std::string text;
  if (!where.empty()) text.append("[").append(where).append("] ");
  text.append(what);
  if (std::string path = ErrorScope::path(); !path.empty()) text.append(" in ").append(path);
  if (!hint.empty()) text.append(". Hint: ").append(hint);
  return text;
}

}  // namespace

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidArgument: return "invalid argument";
    case ErrorKind::kInvalidFile: return "invalid file";
    case ErrorKind::kNotFound: return "not found";
    case ErrorKind::kUnsupported: return "unsupported";
    case ErrorKind::kLimitExceeded: return "limit exceeded";
    case ErrorKind::kIo: return "input/output";
    case ErrorKind::kInternal: return "internal";
  }
  return "unknown";
}

Error::Error(ErrorKind kind, std::string_view where, std::string_view what, std::string_view hint)
    : std::runtime_error(compose(where, what, hint)), kind_(kind) {}

ErrorScope::ErrorScope(std::string_view name) : name_(name), parent_(innermost_scope) { innermost_scope = this; }

ErrorScope::~ErrorScope() { innermost_scope = parent_; }

std::string ErrorScope::path() {
  std::string path;
  for (ErrorScope* scope = innermost_scope; scope != nullptr; scope = scope->parent_) {
    if (scope->name_.empty()) continue;
    path = path.empty() ? std::string(scope->name_) : std::string(scope->name_) + ": " + path;
  }
  return path;
}

}  // namespace imago
