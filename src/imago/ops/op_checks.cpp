#include "imago/ops/op_checks.h"

#include <fmt/core.h>

#include <cmath>

#include "imago/base/error.h"
#include "imago/tensor/dispatch.h"

namespace imago {
namespace {

[[noreturn]] void refuse(const char* where, const char* wanted, const Tensor& x, const char* hint) {
  throw Error(ErrorKind::kInvalidArgument, where, fmt::format("takes {}, not {}", wanted, x.describe()), hint);
}

}  // namespace

void require_dtype(const char* where, Accepts accepts, const Tensor& x) {
  const bool floating = is_floating_point(x.dtype()), boolean = x.dtype() == DType::boolean;
  if (floating && size_of(x.dtype()) == 1) refuse(where, "no fp8", x, "cast to float32");
  switch (accepts) {
    case Accepts::kFloating:
      if (!floating) refuse(where, "floating-point numbers", x, "cast to float32");
      break;
    case Accepts::kNumbers:
      if (boolean) refuse(where, "numbers", x, "cast it, or use the logical operations");
      break;
    case Accepts::kIntegralOrBool:
      if (floating) refuse(where, "integers or bool", x, "cast to int64 or bool");
      break;
    case Accepts::kComputed: break;
  }
}

void require_index(const char* where, const Tensor& index) {
  if (index.dtype() != DType::i64 && index.dtype() != DType::i32) {
    refuse(where, "indices of int64 or int32", index, "cast to int64");
  }
}

void require_same_dtype(const char* where, const Tensor& a, const Tensor& b) {
  if (a.dtype() == b.dtype()) return;
  throw Error(ErrorKind::kInvalidArgument, where, fmt::format("dtypes differ: {} and {}", a.describe(), b.describe()),
              "cast one of them");
}

void require_scalar_fits(const char* where, const Tensor& x, double value) {
  if (is_floating_point(x.dtype())) return;
  bool fits = std::isfinite(value) && value == std::trunc(value) && std::abs(value) < 0x1p63;
  if (fits) {
    dispatch_computed(where, x.dtype(), [&]<class T>() {
      fits = static_cast<double>(convert_scalar<T>(static_cast<int64_t>(value))) == value;
    });
  }
  if (!fits) {
    throw Error(ErrorKind::kInvalidArgument, where,
                fmt::format("the number {} is no {}, as {} asks", value, to_string(x.dtype()), x.describe()),
                "cast the tensor to float32");
  }
}

Tensor scalar_like(const char* where, const Tensor& x, double value) {
  require_scalar_fits(where, x, value);
  return Tensor::scalar(value, x.dtype(), x.device());
}

Shape normalize_dims(const Shape& dims, int count, const char* where) {
  uint32_t chosen = dims.empty() ? (1u << count) - 1 : 0;
  for (int64_t dim : dims) {
    // A tensor without dimensions may be reduced over "dimension" 0 or -1, as in torch.
    if (count == 0 && (dim == 0 || dim == -1)) continue;
    const uint32_t bit = 1u << normalize_dim(dim, count, where);
    if ((chosen & bit) != 0) {
      throw Error(ErrorKind::kInvalidArgument, where, fmt::format("dimension {} is listed twice", dim));
    }
    chosen |= bit;
  }
  Shape result;
  for (int d = 0; d < count; ++d) {
    if ((chosen >> d & 1) != 0) result.push_back(d);
  }
  return result;
}

}  // namespace imago
