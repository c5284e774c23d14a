#include "imago/train/text_dataset.h"

#include <fmt/core.h>

#include <string_view>
#include <utility>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/json.h"
#include "imago/base/progress.h"

namespace imago {
namespace {

std::string text_of(std::string_view line, const std::string& column, const std::string& where) {
  const Json object = parse_json(line, where);
  if (!object.is_object() || !object.contains(column) || !object[column].is_string()) {
    throw Error(ErrorKind::kInvalidFile, where, fmt::format("no object with a text \"{}\"", column),
                "text_column says which member holds the text");
  }
  return object[column].get<std::string>();
}

}  // namespace

std::vector<std::string> read_texts(const std::string& path, const std::string& column) {
  const bool is_json = path.ends_with(".jsonl") || path.ends_with(".json");
  const MappedFile file = MappedFile::open(path);
  std::string_view rest = file.text();
  std::vector<std::string> texts;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const size_t size = end == std::string_view::npos ? rest.size() : end + 1;
    const std::string_view line = rest.substr(0, size);
    rest.remove_prefix(size);
    if (!is_json) {
      texts.emplace_back(line);
    } else if (line.find_first_not_of(" \t\r\n") != std::string_view::npos) {
      texts.push_back(text_of(line, column, fmt::format("{}:{}", path, number)));
    }
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
