// Operations through which values and gradients pass between processes. They are on the tape as all others are, so
// that checkpointing frees what they give and has it exchanged again.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "imago/ops/apply.h"
#include "imago/ops/embedding/embedding.h"
#include "imago/ops/linear/linear.h"
#include "imago/train/parallel/sharding.h"

namespace imago {
namespace op {

// The whole of all processes' parts; the part's gradient is of all processes' sum.
struct GatherParts {
  static constexpr const char* name = "gather_parts";
  std::shared_ptr<const Sharding> sharding;
  FIELDS()
  TensorSpec check(const Tensor& part) const { return {sharding->shape, part.dtype()}; }
  Tensor decompose(const Tensor& part) const;
  Tensors vjp(const Backward& b) const;
};

// A linear layer, or an embedding, of a divided weight, which is whole only while it is computed.
struct ShardedLinear {
  static constexpr const char* name = "sharded_linear";
  std::shared_ptr<const Sharding> sharding;
  FIELDS()
  TensorSpec check(const Tensor& x, const Tensor& part, const Tensor& bias) const;
  Tensor decompose(const Tensor& x, const Tensor& part, const Tensor& bias) const;
  Tensors vjp(const Backward& b) const;
};

struct ShardedEmbedding {
  static constexpr const char* name = "sharded_embedding";
  std::shared_ptr<const Sharding> sharding;
  std::optional<int64_t> padding_idx;
  FIELDS()
  TensorSpec check(const Tensor& part, const Tensor& indices) const;
  Tensor decompose(const Tensor& part, const Tensor& indices) const;
  Tensors vjp(const Backward& b) const;
};

// Megatron's f (Shoeybi et al. 2019): x as it is, whose gradients are added up over the processes; and its g: the sum
// over the processes, whose gradient is each one's.
struct ShareInput {
  static constexpr const char* name = "share_input";
  Communicator* communicator;
  FIELDS()
  TensorSpec check(const Tensor& x) const { return {x.shape(), x.dtype()}; }
  Tensor decompose(const Tensor& x) const { return x; }
  Tensors vjp(const Backward& b) const;
};

struct SumOutputs {
  static constexpr const char* name = "sum_outputs";
  Communicator* communicator;
  FIELDS()
  TensorSpec check(const Tensor& x) const { return {x.shape(), x.dtype()}; }
  Tensor decompose(const Tensor& x) const;
  Tensors vjp(const Backward& b) const { return {b.grad()}; }
};

// The last dimension put together from what all processes have of it; and this process's range of it.
struct GatherColumns {
  static constexpr const char* name = "gather_columns";
  Communicator* communicator;
  std::vector<int64_t> sizes;
  FIELDS()
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

struct TakeColumns {
  static constexpr const char* name = "take_columns";
  Communicator* communicator;
  std::vector<int64_t> sizes;
  FIELDS()
  TensorSpec check(const Tensor& x) const;
  Tensor decompose(const Tensor& x) const;
  Tensors vjp(const Backward& b) const;
};

}  // namespace op
}  // namespace imago
