// What loaders of grouped weights check.
#pragma once

#include <string_view>
#include <vector>

#include "imago/kernels/cpu/half.h"
#include "imago/tensor/tensor.h"

namespace imago::quant {

// Throws Error kInvalidFile naming `name` unless the tensor is dense and has that dtype and shape.
void check_matrix(const Tensor& tensor, DType dtype, const Shape& shape, std::string_view name, const char* where);

// A matrix of scales [groups, out] in float16. Throws Error kInvalidFile for another shape, kUnsupported for scales
// that float16 does not hold exactly.
std::vector<float16> group_scales(const Tensor& scales, int64_t groups, int64_t out, const char* where);

}  // namespace imago::quant
