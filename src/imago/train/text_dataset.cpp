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

MemoryDataset text_blocks(const std::vector<std::string>& texts, const Tokenizer& tokenizer, int64_t block_size) {
  if (block_size < 2) throw Error(ErrorKind::kInvalidArgument, "block_size", "fewer than 2 tokens predict nothing");
  std::vector<TensorMap> blocks;
  std::vector<int64_t> tokens;
  Progress progress("tokenizing", static_cast<int64_t>(texts.size()), "texts");
  for (const std::string& text : texts) {
    const std::vector<int32_t> ids = tokenizer.encode_ids(text, {.parse_special_tokens = false});
    for (int32_t id : ids) {
      tokens.push_back(id);
      if (static_cast<int64_t>(tokens.size()) < block_size) continue;
      const Tensor block = Tensor::from(tokens);
      blocks.push_back({{"input_ids", block}, {"labels", block}});
      tokens.clear();
    }
    progress.advance();
  }
  if (blocks.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "train",
                fmt::format("{} tokens are not one block of {}", tokens.size(), block_size),
                "give more text, or a smaller block_size");
  }
  return MemoryDataset(std::move(blocks));
}

}  // namespace imago
