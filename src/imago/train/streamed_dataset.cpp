#include "imago/train/streamed_dataset.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "imago/base/error.h"
#include "imago/base/json.h"

namespace imago {
namespace {

// Rows of which nothing becomes an example, one behind the other, before a stream is taken for one that has none.
constexpr int64_t kMostEmptyRows = 1'000'000;

bool is_json(const std::string& path) { return path.ends_with(".jsonl"); }

}  // namespace

RowStream::RowStream(const std::string& path, int64_t buffer_size, uint64_t seed)
    : file_(MappedFile::open(path)),
      path_(path),
      buffer_size_(static_cast<size_t>(std::max<int64_t>(buffer_size, 1))),
      seed_(seed) {
  for (const char* other : {".json", ".csv", ".tsv", ".parquet"}) {
    if (!path.ends_with(other)) continue;
    throw Error(ErrorKind::kUnsupported, path, fmt::format("{} files are not streamed", other),
                "write the rows as JSON lines (.jsonl), or leave streaming out");
  }
  begin();
  if (!read()) throw Error(ErrorKind::kInvalidFile, path, "the file has no rows");
  begin();
}

void RowStream::begin() {
  offset_ = 0;
  number_ = 0;
  random_ = std::make_unique<TorchGenerator>(seed_ + epoch_);
}

std::optional<RowStream::Line> RowStream::read() {
  const std::string_view text = file_.text();
  while (offset_ < text.size()) {
    const size_t end = std::min(text.find('\n', offset_), text.size() - 1) + 1;
    const Line line{text.substr(offset_, end - offset_), ++number_};
    offset_ = end;
    if (!is_json(path_) || line.text.find_first_not_of(" \t\r\n") != std::string_view::npos) return line;
  }
  return std::nullopt;
}

Row RowStream::next() {
  while (buffer_.size() < buffer_size_) {
    const std::optional<Line> line = read();
    if (!line) break;
    buffer_.push_back(*line);
  }
  if (buffer_.empty()) {
    ++epoch_;
    begin();
    return next();
  }
  // A buffer that was not filled again shrinks towards the end of the file.
  const size_t place = buffer_size_ == 1 ? 0 : static_cast<size_t>(random_->next64() % buffer_.size());
  const Line line = std::exchange(buffer_[place], buffer_.back());
  buffer_.pop_back();
  const std::string where = fmt::format("{}:{}", path_, line.number);
  if (!is_json(path_)) return {{{"text", line.text}}, where};
  Row row{parse_json(line.text, where), where};
  if (!row.values.is_object()) throw Error(ErrorKind::kInvalidFile, where, "it is no JSON object");
  return row;
}

StreamedDataset::StreamedDataset(std::function<std::unique_ptr<RowStream>()> open, std::function<MakeExamples()> begin)
    : open_(std::move(open)), begin_(std::move(begin)), rows_(open_()), make_(begin_()) {}

TensorMap StreamedDataset::example(int64_t index) const {
  if (index < next_) {  // a second run of a trainer
    rows_ = open_();
    make_ = begin_();
    ready_.clear();
    next_ = 0;
  }
  TensorMap example;
  for (int64_t empty = 0; next_ <= index;) {
    if (!ready_.empty()) {
      example = std::move(ready_.front());
      ready_.pop_front();
      ++next_;
      empty = 0;
      continue;
    }
    for (TensorMap& made : make_(rows_->next())) ready_.push_back(std::move(made));
    if (ready_.empty() && ++empty > kMostEmptyRows) {
      throw Error(ErrorKind::kInvalidArgument, "streaming", "no row becomes an example",
                  "look at the lengths of the rows, and at block_size");
    }
  }
  return example;
}

}  // namespace imago
