// Texts as examples of a causal language model.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "imago/tokenizers/tokenizer.h"
#include "imago/train/dataset.h"

namespace imago {

// The texts of a file: of .jsonl and .json one JSON object a line, whose member `column` counts; of another file its
// lines, each with its line break. Throws Error kInvalidFile naming the line that is none, and what reading throws.
std::vector<std::string> read_texts(const std::string& path, const std::string& column = "text");

// The tokens of all texts, one behind the other, in blocks of `block_size`; what is left over at the end is dropped, as
// the reference's example of language modelling does. The labels are the tokens.
// Throws Error kInvalidArgument where there is not one block.
MemoryDataset text_blocks(const std::vector<std::string>& texts, const Tokenizer& tokenizer, int64_t block_size);

}  // namespace imago
