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

// Texts that come one by one, as blocks of `block_size` tokens that go on from one text to the next; the labels are the
// tokens. Throws Error kInvalidArgument for a block of fewer than 2.
class TextBlocks {
 public:
  TextBlocks(const Tokenizer& tokenizer, int64_t block_size);
  std::vector<TensorMap> add(const std::string& text);  // the blocks that this text makes full
  size_t rest() const { return rest_.size(); }          // tokens of a block that is not full

 private:
  Tokenizer tokenizer_;
  int64_t size_;
  std::vector<int64_t> rest_;
};

// The tokens of all texts, one behind the other, in blocks of `block_size`; what is left over at the end is dropped, as
// the reference's example of language modelling does. The labels are the tokens.
// Throws Error kInvalidArgument where there is not one block.
MemoryDataset text_blocks(const std::vector<std::string>& texts, const Tokenizer& tokenizer, int64_t block_size);

}  // namespace imago
