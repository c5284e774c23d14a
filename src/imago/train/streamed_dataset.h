// Examples that are read as they are needed, so that a file may be larger than memory.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "imago/base/file.h"
#include "imago/nn/torch_generator.h"
#include "imago/train/dataset.h"
#include "imago/train/json_rows.h"

namespace imago {

// The lines of a .jsonl or a text file as rows, one after the other and from the beginning again. With a buffer they
// come in another order: each is drawn from `buffer_size` rows that were read ahead, whose place the next one takes, as
// the reference's datasets shuffle what they stream. Every pass over the file has another order.
class RowStream {
 public:
  // A buffer of 0 or 1 keeps the file's order. Throws Error kUnsupported for other files, and kInvalidFile for one
  // without rows.
  RowStream(const std::string& path, int64_t buffer_size, uint64_t seed);

  // Throws Error kInvalidFile for a line that is no row.
  Row next();

 private:
  struct Line {
    std::string_view text;
    int64_t number;
  };
  std::optional<Line> read();
  void begin();

  MappedFile file_;
  std::string path_;
  size_t buffer_size_;
  uint64_t seed_, epoch_ = 0;
  size_t offset_ = 0;
  int64_t number_ = 0;
  std::vector<Line> buffer_;
  std::unique_ptr<TorchGenerator> random_;
};

// Such rows made into examples: none, one or several of each. It has no end, so that a run needs max_steps, and it goes
// forward only: what a resumed run has seen is read again and passed over.
class StreamedDataset final : public Dataset {
 public:
  using MakeExamples = std::function<std::vector<TensorMap>(const Row& row)>;

  // `open` begins the stream, `begin` what makes examples of its rows and may keep a rest between them.
  StreamedDataset(std::function<std::unique_ptr<RowStream>()> open, std::function<MakeExamples()> begin);

  int64_t size() const override { return kEndless; }
  TensorMap example(int64_t index) const override;

  static constexpr int64_t kEndless = int64_t{1} << 40;

 private:
  std::function<std::unique_ptr<RowStream>()> open_;
  std::function<MakeExamples()> begin_;
  mutable std::unique_ptr<RowStream> rows_;
  mutable MakeExamples make_;
  mutable std::deque<TensorMap> ready_;
  mutable int64_t next_ = 0;
};

}  // namespace imago
