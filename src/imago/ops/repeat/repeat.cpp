#include "imago/ops/repeat/repeat.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/ops/expand/expand.h"
#include "imago/ops/index_select/index_select.h"
#include "imago/ops/op_table.h"
#include "imago/ops/reshape/reshape.h"

namespace imago {
namespace {

// A new dimension of `count` copies in front of (or behind) dimension d, merged with it.
Tensor copies(const Tensor& x, int d, int64_t count, bool behind) {
  const int copied = behind ? d + 1 : d;
  Shape merged = x.shape();
  merged[d] *= count;
  const Tensor one = unsqueeze(x, copied);
  Shape many = one.shape();
  many[copied] = count;
  return reshape(expand(one, many), merged);
}

void require_counts(const char* where, std::span<const int64_t> counts) {
  for (int64_t count : counts) {
    if (count < 0) throw Error(ErrorKind::kInvalidArgument, where, fmt::format("{} repeats", count));
  }
}

}  // namespace

TensorSpec op::Repeat::check(const Tensor& x) const {
  const int lead = repeats.size() - x.dim();
  if (lead < 0) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("repeats {} are fewer than the dimensions of {}", repeats.to_string(), x.describe()));
  }
  require_counts(name, repeats);
  Shape shape = repeats;
  for (int d = 0; d < x.dim(); ++d) shape[lead + d] = checked_product(Shape{shape[lead + d], x.shape()[d]}, name);
  return {shape, x.dtype()};
}

Tensor op::Repeat::decompose(const Tensor& x) const {
  Shape shape = Shape::filled(repeats.size() - x.dim(), 1);
  for (int64_t size : x.shape()) shape.push_back(size);
  Tensor y = reshape(x, shape);
  for (int d = 0; d < repeats.size(); ++d) {
    if (repeats[d] != 1) y = copies(y, d, repeats[d], false);
  }
  return y;
}

TensorSpec op::RepeatInterleave::check(const Tensor& x) const {
  const int d = normalize_dim(dim, x.dim(), name);
  require_counts(name, Shape{repeats});
  Shape shape = x.shape();
  shape[d] = checked_product(Shape{shape[d], repeats}, name);
  return {shape, x.dtype()};
}

Tensor op::RepeatInterleave::decompose(const Tensor& x) const {
  return copies(x, normalize_dim(dim, x.dim(), name), repeats, true);
}

Tensor repeat(const Tensor& x, const Shape& repeats) { return apply(op::Repeat{repeats}, x); }

Tensor repeat_interleave(const Tensor& x, int64_t repeats, int64_t dim) {
  return apply(op::RepeatInterleave{repeats, dim}, x);
}

Tensor repeat_interleave(const Tensor& x, const Tensor& repeats, int64_t dim) {
  const char* name = op::RepeatInterleave::name;
  const int64_t size = x.size(dim);
  if (repeats.dim() != 1 || repeats.numel() != size || !is_integral(repeats.dtype())) {
    throw Error(ErrorKind::kInvalidArgument, name,
                fmt::format("repeats {} are not one integer for each of {} elements", repeats.describe(), size));
  }
  const std::vector<int64_t> counts = repeats.to_vector<int64_t>();
  require_counts(name, counts);
  int64_t total = 0;
  for (int64_t count : counts) {
    if (__builtin_add_overflow(total, count, &total)) throw Error(ErrorKind::kLimitExceeded, name, "too many repeats");
  }
  const Tensor index = Tensor::empty({total}, DType::i64);
  int64_t* next = index.data<int64_t>();
  for (int64_t i = 0; i < size; ++i) next = std::fill_n(next, counts[static_cast<size_t>(i)], i);
  return index_select(x, dim, index);
}

void register_repeat(OpTable& table) {
  table.add<op::Repeat>([]() -> std::vector<Sample> {
    return {{"both",
             {sample_values({2, 3})},
             [](auto in) -> Tensors {
               return {repeat(in[0], {3, 2})};
             }},
            {"new dimension",
             {sample_values({2, 3})},
             [](auto in) -> Tensors {
               return {repeat(in[0], {2, 1, 2})};
             }},
            {"none", {sample_values({2, 3})}, [](auto in) -> Tensors {
               return {repeat(in[0], {0, 1})};
             }}};
  });
  table.add<op::RepeatInterleave>([]() -> std::vector<Sample> {
    return {{"rows", {sample_values({2, 3})}, [](auto in) -> Tensors { return {repeat_interleave(in[0], 3, 0)}; }},
            {"columns", {sample_values({2, 3})}, [](auto in) -> Tensors { return {repeat_interleave(in[0], 2, -1)}; }}};
  });
}

}  // namespace imago
