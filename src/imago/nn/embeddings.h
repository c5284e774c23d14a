// From a text model's inputs to the vectors that its first layer reads. B batch, T tokens, D hidden.
#pragma once

#include <string_view>

#include "imago/nn/layers.h"
#include "imago/nn/model.h"

namespace imago::nn {

// The embeddings that the caller gave, or those of the ids: [B, T, D]. Throws Error kInvalidArgument unless there is
// one of both.
Tensor embed(const TextInputs& inputs, const Embedding& table);

// Positions of the tokens of x, [1, T], counted on from the cache where the caller gave none.
Tensor position_ids(const TextInputs& inputs, const Tensor& x_BTD);

// Positions that padding does not count in, [B, T]; -1 at padding before the first token. Those of a row without
// padding where there is no attention_mask; those that the caller gave before all.
Tensor unpadded_position_ids(const TextInputs& inputs, const Tensor& x_BTD);

// Positions that begin behind the row of `pad_token_id`, which is that of padding: [B, T], counted over what is not
// padding and on from the cache; in a row [1, T] where the caller gave embeddings. What the caller gave counts first.
Tensor position_ids_behind_padding(const TextInputs& inputs, const Tensor& x_BTD, int64_t pad_token_id);

// Learned embeddings of position_ids(), a row of `table` each. `limit` names the number of rows in config.json. Throws
// Error kInvalidArgument for a position beyond them.
Tensor position_embeddings(const TextInputs& inputs, const Tensor& x_BTD, const Embedding& table,
                           std::string_view limit);
// The same of these positions.
Tensor position_embeddings(const Tensor& positions, const Embedding& table, std::string_view limit);

}  // namespace imago::nn
