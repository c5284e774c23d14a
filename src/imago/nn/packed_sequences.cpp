#include "imago/nn/packed_sequences.h"

#include <limits>
#include <utility>

#include "imago/base/error.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/permute/permute.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/where/where.h"
#include "imago/tensor/grad_meta.h"

namespace imago::nn {
namespace {

thread_local PackedSequences* innermost = nullptr;

}  // namespace

PackedSequences::PackedSequences(const Tensor& sequence_ids)
    : sequence_ids_(sequence_ids), previous_(std::exchange(innermost, this)) {
  const NoGrad no_grad;
  const Tensor queries = unsqueeze(unsqueeze(sequence_ids, 1), 3), keys = unsqueeze(unsqueeze(sequence_ids, 1), 2);
  bias_ = where(eq(queries, keys), Tensor::scalar(0), Tensor::scalar(-std::numeric_limits<double>::infinity()));
}

PackedSequences::~PackedSequences() { innermost = previous_; }

Tensor PackedSequences::attention_bias(int64_t queries, int64_t keys) {
  if (innermost == nullptr) return {};
  const int64_t tokens = innermost->sequence_ids_.size(1);
  if (queries != tokens || keys != tokens) {
    throw Error(ErrorKind::kUnsupported, "packing", "attention to other tokens than those of the row",
                "pack only what a decoder without an encoder learns");
  }
  innermost->was_used_ = true;
  return innermost->bias_;
}

}  // namespace imago::nn
