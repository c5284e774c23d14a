// One vector per row out of one per token. B batch, T tokens, D hidden.
#pragma once

#include "imago/nn/layers.h"
#include "imago/nn/model.h"

namespace imago::nn {

// Where a head that judges the whole input reads it.
enum class Pooling {
  kPooler,         // the bare model's pooler_output
  kFirstToken,     // the first token, a special one in front of the text
  kLastToken,      // the last token that is not padding
  kEndOfSequence,  // the last eos_token_id of input_ids
};

// [B, D]. Throws Error kInvalidArgument where the inputs do not tell the place.
Tensor pool(Pooling pooling, const BaseModelOutput& output, const TextInputs& inputs, const Config& config);

// A dense layer with tanh on the first token's vector: [B, T, D] -> [B, D].
struct Pooler : Module {
  Linear dense;
  FIELDS(dense)

  Pooler() = default;
  explicit Pooler(int64_t hidden_size) : dense(hidden_size, hidden_size) {}
  bool defined() const { return dense.weight.defined(); }
  Tensor operator()(const Tensor& x_BTD) const;
};

// The same where the layer has no field of its own.
struct FlatPooler : Linear {
  FlatPooler() = default;
  explicit FlatPooler(int64_t hidden_size) : Linear(hidden_size, hidden_size) {}
  bool defined() const { return weight.defined(); }
  Tensor operator()(const Tensor& x_BTD) const;
};

// Row i of x [B, T, D] at positions[i]: [B, D].
Tensor at_positions(const Tensor& x_BTD, const Tensor& positions_B);

// The last `keep` positions of [B, T, D]; all where `keep` is 0.
Tensor keep_last(const Tensor& x_BTD, int64_t keep);

}  // namespace imago::nn
