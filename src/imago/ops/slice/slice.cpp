#include "imago/ops/slice/slice.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/op_table.h"
#include "imago/ops/pad/pad.h"
#include "imago/ops/reshape/reshape.h"

namespace imago {

TensorSpec op::Slice::check(const Tensor& x) const {
  const int d = normalize_dim(dim, x.dim(), name);
  if (start < 0 || count < 0 || step < 1 || (count > 0 && start + (count - 1) * step >= x.shape()[d])) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("{} elements from {} by {} are not all in dimension {} of {}", count, start, step, dim,
                            x.describe()));
  }
  Shape shape = x.shape();
  shape[d] = count;
  return {shape, x.dtype()};
}

Tensor op::Slice::view(const Tensor& x) const {
  const int d = static_cast<int>(dim);
  Shape shape = x.shape(), strides = x.strides();
  shape[d] = count;
  strides[d] *= step;
  return x.alias(shape, strides, count > 0 ? x.offset() + start * x.strides()[d] : x.offset());
}

Tensors op::Slice::vjp(const Backward& b) const {
  const int64_t size = b.input(0).size(dim);
  if (count == 0) return {Tensor::zeros(b.input(0).shape(), b.input(0).dtype(), b.input(0).device())};
  const int64_t last = start + (count - 1) * step;
  return {pad_dim(b.grad(), dim, start, size - 1 - last, step - 1)};
}

Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t end, int64_t step) {
  const int d = normalize_dim(dim, x.dim(), "slice");
  const int64_t size = x.shape()[d];
  const auto clamp = [size](int64_t bound) { return std::clamp<int64_t>(bound < 0 ? bound + size : bound, 0, size); };
  if (step < 1)
    throw Error(ErrorKind::kInvalidArgument, "slice", fmt::format("step {} is not positive", step),
                "flip the tensor first");
  const int64_t first = clamp(start);
  const int64_t count = std::max<int64_t>((clamp(end) - first + step - 1) / step, 0);
  if (count == size && first == 0) return x;
  return apply(op::Slice{d, first, count, step}, x);
}

Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length) {
  return apply(op::Slice{normalize_dim(dim, x.dim(), "narrow"), start, length, 1}, x);
}

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
  const int d = normalize_dim(dim, x.dim(), "select");
  return squeeze(narrow(x, d, index < 0 ? index + x.shape()[d] : index, 1), d);
}

Tensors split(const Tensor& x, int64_t split_size, int64_t dim) {
  const int64_t size = x.size(dim);
  if (split_size < 1)
    throw Error(ErrorKind::kInvalidArgument, "split", fmt::format("parts of {} elements", split_size));
  Tensors parts;
  for (int64_t start = 0; start < size; start += split_size)
    parts.push_back(narrow(x, dim, start, std::min(split_size, size - start)));
  return parts;
}

Tensors split(const Tensor& x, const Shape& sizes, int64_t dim) {
  Tensors parts;
  int64_t start = 0;
  for (int64_t size : sizes) {
    parts.push_back(narrow(x, dim, start, size));
    start += size;
  }
  if (start != x.size(dim)) {
    throw Error(ErrorKind::kInvalidArgument, "split",
                fmt::format("sizes {} do not make up dimension {} of {}", sizes.to_string(), dim, x.describe()));
  }
  return parts;
}

Tensors chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  if (chunks < 1) throw Error(ErrorKind::kInvalidArgument, "chunk", fmt::format("{} chunks", chunks));
  return split(x, std::max<int64_t>((x.size(dim) + chunks - 1) / chunks, 1), dim);
}

void register_slice(OpTable& table) {
  table.add<op::Slice>([]() -> std::vector<Sample> {
    return {
        {"rows", {sample_values({5, 3})}, [](auto in) -> Tensors { return {slice(in[0], 0, 1, 4)}; }},
        {"stepped columns", {sample_values({2, 8})}, [](auto in) -> Tensors { return {slice(in[0], 1, 1, -1, 3)}; }},
        {"none", {sample_values({2, 8})}, [](auto in) -> Tensors { return {slice(in[0], 1, 5, 5)}; }},
        {"select", {sample_values({2, 8})}, [](auto in) -> Tensors { return {select(in[0], 1, -2)}; }},
    };
  });
}

}  // namespace imago
