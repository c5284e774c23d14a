#include "imago/ops/operand_checks.h"

#include <fmt/core.h>

#include "imago/base/error.h"

namespace imago {

void require_defined(const char* where, const char* what, const Tensor& x) {
  if (!x.defined()) throw Error(ErrorKind::kInvalidArgument, where, fmt::format("{} is undefined", what));
}

void require_floating(const char* where, const char* what, const Tensor& x) {
  require_defined(where, what, x);
  if (!is_floating_point(x.dtype())) {
    throw Error(ErrorKind::kInvalidArgument, where, fmt::format("{} is {}, not floating point", what, x.describe()),
                "cast to float32");
  }
  if (size_of(x.dtype()) == 1) {
    throw Error(ErrorKind::kUnsupported, where, fmt::format("{} is {}, which is storage only", what, x.describe()),
                "cast to float32");
  }
}

void require_same_dtype(const char* where, const char* what, const Tensor& x, const char* other_what,
                        const Tensor& other) {
  if (!other.defined() || x.dtype() == other.dtype()) return;
  throw Error(ErrorKind::kInvalidArgument, where,
              fmt::format("dtypes differ: {} is {}, {} is {}", what, x.describe(), other_what, other.describe()),
              "cast one to the dtype of the other");
}

void require_shape(const char* where, const char* what, const Tensor& x, const Shape& shape) {
  if (!x.defined() || x.shape() == shape) return;
  throw Error(ErrorKind::kInvalidArgument, where,
              fmt::format("{} is {}, not of shape {}", what, x.describe(), shape.to_string()));
}

void require_dims(const char* where, const char* what, const Tensor& x, int dims) {
  require_defined(where, what, x);
  if (x.dim() == dims) return;
  throw Error(ErrorKind::kInvalidArgument, where,
              fmt::format("{} is {}, not of {} dimensions", what, x.describe(), dims));
}

void require_index(const char* where, const char* what, const Tensor& x) {
  require_defined(where, what, x);
  if (x.dtype() == DType::i64 || x.dtype() == DType::i32) return;
  throw Error(ErrorKind::kInvalidArgument, where, fmt::format("{} is {}, not int64 or int32", what, x.describe()));
}

}  // namespace imago
