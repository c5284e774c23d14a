#include "imago/train/streamed_dataset.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "imago/base/error.h"

namespace imago {
namespace {

class Streaming : public testing::Test {
 protected:
  Streaming()
      : path_(std::filesystem::temp_directory_path() / ("imago_stream_" + std::to_string(::getpid()) + ".jsonl")) {
    std::string lines;
    for (int i = 0; i < 10; ++i) lines += "{\"n\": " + std::to_string(i) + "}\n";
    write_file_atomically(path_, lines);
  }
  ~Streaming() override { std::filesystem::remove(path_); }

  std::vector<int64_t> read(int64_t count, int64_t buffer, uint64_t seed = 3) const {
    RowStream stream(path_, buffer, seed);
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < count; ++i) numbers.push_back(stream.next().values.at("n").get<int64_t>());
    return numbers;
  }

  std::string path_;
};

TEST_F(Streaming, WithoutABufferTheOrderIsTheFiles) {
  EXPECT_EQ(read(12, 0), (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1}));
}

TEST_F(Streaming, ABufferShufflesEveryPassAnew) {
  const std::vector<int64_t> numbers = read(20, 4);
  const std::vector<int64_t> first(numbers.begin(), numbers.begin() + 10), second(numbers.begin() + 10, numbers.end());
  EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()).size(), 10);
  EXPECT_EQ(std::set<int64_t>(second.begin(), second.end()).size(), 10);
  EXPECT_NE(first, second);
  EXPECT_NE(first, read(10, 0));
  EXPECT_EQ(read(20, 4), numbers);
  EXPECT_NE(read(20, 4, 4), numbers);
  // A row comes no earlier than the buffer lets it.
  for (size_t i = 0; i < first.size(); ++i) EXPECT_LE(first[i], static_cast<int64_t>(i) + 3);
}

TEST_F(Streaming, ExamplesGoOnWhereARunStopped) {
  const auto open = [&] { return std::make_unique<RowStream>(path_, 4, 3); };
  // Odd rows become two examples, even ones none.
  const auto begin = []() -> StreamedDataset::MakeExamples {
    return [](const Row& row) {
      const int64_t n = row.values.at("n").get<int64_t>();
      const TensorMap example = {{"n", Tensor::scalar(static_cast<double>(n))}};
      return n % 2 == 0 ? std::vector<TensorMap>{} : std::vector<TensorMap>{example, example};
    };
  };
  const StreamedDataset whole(open, begin), resumed(open, begin);
  std::vector<double> all;
  for (int64_t i = 0; i < 15; ++i) all.push_back(whole.example(i).at("n").item<double>());
  EXPECT_EQ(all[0], all[1]);
  EXPECT_EQ(resumed.example(11).at("n").item<double>(), all[11]);
  EXPECT_EQ(resumed.example(12).at("n").item<double>(), all[12]);
  EXPECT_EQ(resumed.example(0).at("n").item<double>(), all[0]);  // from the beginning again
}

TEST_F(Streaming, RefusesWhatHasNoLines) {
  EXPECT_THROW(RowStream("table.parquet", 4, 0), Error);
  write_file_atomically(path_, "\n\n");
  EXPECT_THROW(RowStream(path_, 4, 0), Error);
  write_file_atomically(path_, "[1]\n");
  EXPECT_THROW(RowStream(path_, 4, 0).next(), Error);
}

}  // namespace
}  // namespace imago
