#include "imago/io/save_checkpoint.h"

#include <algorithm>
#include <vector>

#include "imago/io/checkpoint.h"
#include "imago/io/safetensors.h"
#include "imago/io/test_files.h"

namespace imago {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::vector<std::string> files_in(const TemporaryFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) names.push_back(entry.path().filename());
  return names;
}

// Bytes: 40, 8, 400 (larger than a shard), 8, 40, 2. What the reference makes of them is in testdata/sharded.
NamedTensors sample() {
  return {{"embed.weight", Tensor::arange(0, 10, 1, DType::f32)}, {"a.bias", Tensor::arange(0, 2, 1, DType::f32)},
          {"huge", Tensor::arange(0, 100, 1, DType::f32)},        {"b.bias", Tensor::arange(0, 1, 1, DType::i64)},
          {"head.weight", Tensor::arange(0, 20, 1, DType::bf16)}, {"z", Tensor::zeros({2}, DType::u8)}};
}

TEST(SaveCheckpoint, WritesTheShardsOfTheReference) {
  const TemporaryFolder folder;
  save_checkpoint(folder.path(), sample(), {.max_shard_size = 60, .total_parameters = 135});
  std::vector<std::string> expected;
  for (const auto& entry : std::filesystem::directory_iterator(testdata("sharded"))) {
    const std::string name = entry.path().filename();
    expected.push_back(name);
    EXPECT_EQ(read_file(folder / name), read_file(entry.path())) << name;
  }
  EXPECT_THAT(files_in(folder), testing::UnorderedElementsAreArray(expected));
  EXPECT_EQ(Checkpoint::open(folder.path()).tensor("huge").to_vector<float>()[99], 99);
}

TEST(SaveCheckpoint, WritesOneFileWhereItFits) {
  const TemporaryFolder folder;
  save_checkpoint(folder / "new/folder", sample());
  const SafetensorsFile file = SafetensorsFile::open(folder / "new/folder/model.safetensors");
  EXPECT_EQ(file.names().size(), 6u);
  EXPECT_THAT(*file.metadata(), ElementsAre(testing::Pair("format", "pt")));
}

TEST(SaveCheckpoint, RemovesWhatAnEarlierSaveLeft) {
  const TemporaryFolder folder;
  folder.write("model-extra.safetensors", "not ours");
  save_checkpoint(folder.path(), sample(), {.max_shard_size = 60});
  const Checkpoint sharded = Checkpoint::open(folder.path());
  NamedTensors borrowed;
  for (const std::string& name : sharded.names()) borrowed.emplace_back(name, sharded.tensor(name));
  save_checkpoint(folder.path(), borrowed);  // the tensors outlive the files they were read from
  EXPECT_THAT(files_in(folder), UnorderedElementsAre("model.safetensors", "model-extra.safetensors"));
  save_checkpoint(folder.path(), borrowed, {.max_shard_size = 460});
  EXPECT_THAT(files_in(folder),
              UnorderedElementsAre("model-00001-of-00002.safetensors", "model-extra.safetensors",
                                   "model-00002-of-00002.safetensors", "model.safetensors.index.json"));
}

TEST(SaveCheckpoint, RefusesNonsense) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kInvalidArgument, "max_shard_size",
               [&] { save_checkpoint(folder.path(), {}, {.max_shard_size = 0}); });
  expect_error(ErrorKind::kInvalidArgument, "undefined", [&] { save_checkpoint(folder.path(), {{"w", Tensor()}}); });
  folder.write("file", "");
  expect_error(ErrorKind::kIo, "cannot create", [&] { save_checkpoint(folder / "file", sample()); });
}

}  // namespace
}  // namespace imago
