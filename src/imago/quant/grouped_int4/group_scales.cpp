#include "imago/quant/grouped_int4/group_scales.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"

namespace imago::quant {

void check_matrix(const Tensor& tensor, DType dtype, const Shape& shape, std::string_view name, const char* where) {
  if (tensor.defined() && tensor.dtype() == dtype && tensor.shape() == shape && tensor.is_contiguous()) return;
  throw Error(ErrorKind::kInvalidFile, where,
              fmt::format("{} is {}, not {} {}", name, tensor.defined() ? tensor.describe() : "missing",
                          to_string(dtype), shape.to_string()));
}

std::vector<float16> group_scales(const Tensor& scales, int64_t groups, int64_t out, const char* where) {
  check_matrix(scales, scales.dtype(), {groups, out}, "scales", where);
  if (!is_floating_point(scales.dtype())) {
    throw Error(ErrorKind::kInvalidFile, where, "scales are " + scales.describe());
  }
  const Tensor values = cast(scales, DType::f32);
  std::vector<float16> halves;
  halves.reserve(static_cast<size_t>(values.numel()));
  for (int64_t i = 0; i < values.numel(); ++i) {
    const float value = values.const_data<float>()[i];
    halves.emplace_back(value);
    if (static_cast<float>(halves.back()) != value) {
      throw Error(ErrorKind::kUnsupported, where, fmt::format("the scale {} is no float16", value));
    }
  }
  return halves;
}

}  // namespace imago::quant
