#include "imago/train/text_dataset.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "imago/base/error.h"
#include "imago/base/progress.h"
#include "imago/train/json_rows.h"

namespace imago {
namespace {

// Files whose rows have names; a row of another is {"text": line}.
constexpr std::array<std::string_view, 4> kWithColumns = {".jsonl", ".json", ".csv", ".tsv"};

}  // namespace

std::vector<std::string> read_texts(const std::string& path, const std::string& column) {
  const auto has_columns = [&] {
    return std::any_of(kWithColumns.begin(), kWithColumns.end(), [&](auto end) { return path.ends_with(end); });
  }();
  std::vector<std::string> texts;
  for (const Row& row : read_rows(path)) {
    texts.push_back(text_at(row, has_columns ? column : "text"));
  }
  return texts;
}

TextBlocks::TextBlocks(const Tokenizer& tokenizer, int64_t block_size) : tokenizer_(tokenizer), size_(block_size) {
  if (block_size < 2) throw Error(ErrorKind::kInvalidArgument, "block_size", "fewer than 2 tokens predict nothing");
}

std::vector<TensorMap> TextBlocks::add(const std::string& text) {
  std::vector<TensorMap> blocks;
  for (int32_t id : tokenizer_.encode_ids(text, {.parse_special_tokens = false})) {
    rest_.push_back(id);
    if (static_cast<int64_t>(rest_.size()) < size_) continue;
    const Tensor block = Tensor::from(rest_);
    blocks.push_back({{"input_ids", block}, {"labels", block}});
    rest_.clear();
  }
  return blocks;
}

MemoryDataset text_blocks(const std::vector<std::string>& texts, const Tokenizer& tokenizer, int64_t block_size) {
  TextBlocks made(tokenizer, block_size);
  std::vector<TensorMap> blocks;
  Progress progress("tokenizing", static_cast<int64_t>(texts.size()), "texts");
  for (const std::string& text : texts) {
    for (TensorMap& block : made.add(text)) blocks.push_back(std::move(block));
    progress.advance();
  }
  if (blocks.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "train",
                fmt::format("{} tokens are not one block of {}", made.rest(), block_size),
                "give more text, or a smaller block_size");
  }
  return MemoryDataset(std::move(blocks));
}

}  // namespace imago
