// Several short examples in one row, so that nothing is computed on padding.
#pragma once

#include <vector>

#include "imago/train/data_collator.h"
#include "imago/train/dataset.h"

namespace imago {

// Puts examples (input_ids [T], labels [T]) into rows of at most `max_length` tokens: the longest first, each into the
// fullest row that it fits in (best fit decreasing). A row has input_ids, labels, position_ids that begin at 0 with
// each example, and sequence_ids that number them, for PackedSequences. The first token of an example has no label:
// what is before it is another one's.
std::vector<TensorMap> pack_examples(const std::vector<TensorMap>& examples, int64_t max_length);

// Batches of such rows; padding is a sequence of its own.
DataCollator data_collator_for_packed_rows(int64_t pad_token_id);

}  // namespace imago
