#include "imago/train/parallel/parallel_ops.h"

#include <array>
#include <numeric>

#include "imago/ops/contiguous/contiguous.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago {
namespace {

Tensor gathered(const Sharding& sharding, const Tensor& part) {
  sharding.meet();
  return sharding.gather(part);
}

Tensor reduced(const Sharding& sharding, const Tensor& whole) {
  sharding.meet();
  return sharding.reduce(whole);
}

Tensor summed(Communicator& communicator, const Tensor& x) {
  Tensor sum = clone(x);
  communicator.all_reduce(sum);
  return sum;
}

// The whole's shape alone, for checks.
Tensor outline(const Sharding& sharding, const Tensor& part) {
  return Tensor::empty(sharding.shape, part.dtype(), Device::kMeta);
}

Shape with_columns(Shape shape, int64_t columns) {
  shape[shape.size() - 1] = columns;
  return shape;
}

int64_t all_columns(const std::vector<int64_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
}

Tensor gather_columns(Communicator& communicator, const std::vector<int64_t>& sizes, const Tensor& x) {
  const Shape whole = with_columns(x.shape(), all_columns(sizes));
  const Sharding sharding{&communicator, {}, {whole.product() / whole.back(), whole.back()}, 1, sizes};
  return reshape(sharding.gather(x), whole);
}

Tensor take_columns(Communicator& communicator, const std::vector<int64_t>& sizes, const Tensor& x) {
  return contiguous(Sharding{&communicator, {}, x.shape(), x.dim() - 1, sizes}.part(x));
}

}  // namespace

Tensor op::GatherParts::decompose(const Tensor& part) const { return gathered(*sharding, part); }

Tensors op::GatherParts::vjp(const Backward& b) const { return {reduced(*sharding, b.grad())}; }

TensorSpec op::ShardedLinear::check(const Tensor& x, const Tensor& part, const Tensor& bias) const {
  return Linear{}.check(x, outline(*sharding, part), bias);
}

Tensor op::ShardedLinear::decompose(const Tensor& x, const Tensor& part, const Tensor& bias) const {
  return linear(x, gathered(*sharding, part), bias);
}

Tensors op::ShardedLinear::vjp(const Backward& b) const {
  const std::array<Tensor, 3> inputs = {b.input(0), gathered(*sharding, b.input(1)), b.input(2)};
  Tensors grads = Linear{}.vjp({inputs, b.outputs, b.grads, b.needs});
  if (b.needs_input(1)) grads[1] = reduced(*sharding, grads[1]);
  return grads;
}

TensorSpec op::ShardedEmbedding::check(const Tensor& part, const Tensor& indices) const {
  return Embedding{padding_idx}.check(outline(*sharding, part), indices);
}

Tensor op::ShardedEmbedding::decompose(const Tensor& part, const Tensor& indices) const {
  return embedding(indices, gathered(*sharding, part), padding_idx);
}

Tensors op::ShardedEmbedding::vjp(const Backward& b) const {
  const EmbeddingGrad grad{sharding->shape[0], padding_idx};
  return {reduced(*sharding, apply(grad, b.grad(), b.input(1))), {}};
}

Tensors op::ShareInput::vjp(const Backward& b) const { return {summed(*communicator, b.grad())}; }

Tensor op::SumOutputs::decompose(const Tensor& x) const { return summed(*communicator, x); }

TensorSpec op::GatherColumns::check(const Tensor& x) const {
  return {with_columns(x.shape(), all_columns(sizes)), x.dtype()};
}

Tensor op::GatherColumns::decompose(const Tensor& x) const { return gather_columns(*communicator, sizes, x); }

Tensors op::GatherColumns::vjp(const Backward& b) const { return {take_columns(*communicator, sizes, b.grad())}; }

TensorSpec op::TakeColumns::check(const Tensor& x) const {
  return {with_columns(x.shape(), sizes[static_cast<size_t>(communicator->rank())]), x.dtype()};
}

Tensor op::TakeColumns::decompose(const Tensor& x) const { return take_columns(*communicator, sizes, x); }

Tensors op::TakeColumns::vjp(const Backward& b) const { return {gather_columns(*communicator, sizes, b.grad())}; }

}  // namespace imago
