// Several sequences in one row, none of which sees another.
#pragma once

#include "imago/tensor/tensor.h"

namespace imago::nn {

// While one is alive on this thread, a token attends to tokens of its own sequence alone. `sequence_ids` [B, T] int64
// numbers the sequences of each row. Positions are the caller's affair.
class PackedSequences {
 public:
  explicit PackedSequences(const Tensor& sequence_ids);
  ~PackedSequences();
  PackedSequences(const PackedSequences&) = delete;
  PackedSequences& operator=(const PackedSequences&) = delete;

  // Whether any attention has asked. A model that mixes tokens in another way would mix sequences.
  bool was_used() const { return was_used_; }

  // 0 where a query's key is of its sequence, else -infinity, [B, 1, T, T] in float32; undefined where none is alive on
  // this thread. Throws Error kUnsupported for other numbers of queries or keys than tokens.
  static Tensor attention_bias(int64_t queries, int64_t keys);

 private:
  Tensor sequence_ids_, bias_;
  bool was_used_ = false;
  PackedSequences* previous_;
};

}  // namespace imago::nn
