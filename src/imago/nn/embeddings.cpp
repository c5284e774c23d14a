#include "imago/nn/embeddings.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/ops/cast/cast.h"
#include "imago/ops/compare/compare.h"
#include "imago/ops/cumulative/cumulative.h"
#include "imago/ops/operators.h"
#include "imago/ops/reduce/reduce.h"
#include "imago/ops/reshape/reshape.h"
#include "imago/ops/slice/slice.h"

namespace imago::nn {

Tensor embed(const TextInputs& inputs, const Embedding& table) {
  if (inputs.inputs_embeds.defined() == inputs.input_ids.defined()) {
    throw Error(ErrorKind::kInvalidArgument, "forward", "the model takes either input_ids or inputs_embeds");
  }
  return inputs.inputs_embeds ? inputs.inputs_embeds : table(inputs.input_ids);
}

Tensor position_ids(const TextInputs& inputs, const Tensor& x_BTD) {
  if (inputs.position_ids) return inputs.position_ids;
  const auto past = static_cast<double>(inputs.past_key_values != nullptr ? inputs.past_key_values->length() : 0);
  return unsqueeze(Tensor::arange(past, past + static_cast<double>(x_BTD.size(1))), 0);
}

Tensor unpadded_position_ids(const TextInputs& inputs, const Tensor& x_BTD) {
  if (inputs.position_ids || !inputs.attention_mask) return position_ids(inputs, x_BTD);
  const Tensor tokens = cast(inputs.attention_mask, DType::i64);
  const Tensor positions = cumsum(tokens, -1) * tokens - 1.0;
  return slice(positions, 1, positions.size(1) - x_BTD.size(1));
}

Tensor position_ids_behind_padding(const TextInputs& inputs, const Tensor& x_BTD, int64_t pad_token_id) {
  if (inputs.position_ids) return inputs.position_ids;
  const auto first = static_cast<double>(pad_token_id + 1);
  if (!inputs.input_ids) return unsqueeze(Tensor::arange(first, first + static_cast<double>(x_BTD.size(1))), 0);
  const auto past = static_cast<double>(inputs.past_key_values != nullptr ? inputs.past_key_values->length() : 0);
  const Tensor tokens = cast(ne(inputs.input_ids, static_cast<double>(pad_token_id)), DType::i64);
  return (cumsum(tokens, 1) + past) * tokens + static_cast<double>(pad_token_id);
}

Tensor position_embeddings(const TextInputs& inputs, const Tensor& x_BTD, const Embedding& table,
                           std::string_view limit) {
  return position_embeddings(position_ids(inputs, x_BTD), table, limit);
}

Tensor position_embeddings(const Tensor& positions, const Embedding& table, std::string_view limit) {
  const int64_t last = positions.numel() == 0 || positions.is_meta() ? 0 : amax(positions).item<int64_t>();
  if (last >= table.weight.size(0)) {
    throw Error(ErrorKind::kInvalidArgument, "forward",
                fmt::format("position {} is beyond the model's {} positions ({})", last, table.weight.size(0), limit),
                "shorten the input: the positions are learned, there are no more of them");
  }
  return table(positions);
}

}  // namespace imago::nn
