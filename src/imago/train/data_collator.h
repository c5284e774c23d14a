// Data collators, under the reference's names: examples become the arguments of one call of the model.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "imago/nn/model.h"

namespace imago {

// Throws Error kInvalidArgument when examples differ in their arguments, or in shapes that are not padded.
using DataCollator = std::function<TensorMap(std::span<const TensorMap> examples)>;

// What one-dimensional arguments are filled up with to the length of the longest of the batch. attention_mask is
// filled with 0, and is made where the examples have none.
struct PaddingOptions {
  int64_t pad_token_id = 0;           // input_ids
  int64_t pad_token_type_id = 0;      // token_type_ids
  int64_t label_pad_token_id = -100;  // labels of tokens
  std::optional<int64_t> pad_to_multiple_of;
  bool left = false;
};

// Stacks the arguments as they are; `label` and `label_ids` become `labels`.
TensorMap default_data_collator(std::span<const TensorMap> examples);

// Pads what has a length per example: for classifiers of sequences and, as labels of tokens are padded too, of tokens
// (DataCollatorForTokenClassification) and for encoder-decoders (DataCollatorForSeq2Seq).
DataCollator data_collator_with_padding(const PaddingOptions& options);

// For causal language models (mlm = false): pads, and the labels are the input_ids but for padding tokens, which are
// ignored wherever they stand, as in the reference.
DataCollator data_collator_for_language_modeling(const PaddingOptions& options);

}  // namespace imago
