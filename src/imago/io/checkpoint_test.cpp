#include "imago/io/checkpoint.h"

#include "imago/io/safetensors.h"
#include "imago/io/shard_index.h"
#include "imago/io/test_files.h"

namespace imago {
namespace {

using testing::ElementsAre;

// Two safetensors shards with a, b and c, and an index of the given weight map.
void write_shards(const TemporaryFolder& folder, const std::string& weight_map) {
  save_safetensors(folder / "one.safetensors", {{"a", Tensor::full({2}, 1)}, {"b", Tensor::full({3}, 2)}});
  save_safetensors(folder / "two.safetensors", {{"c", Tensor::full({4}, 3, DType::bf16)}});
  folder.write("model.safetensors.index.json", R"({"metadata":{"total_size":28},"weight_map":)" + weight_map + "}");
}

TEST(Checkpoint, OpensOneSafetensorsFile) {
  const TemporaryFolder folder;
  folder.write("model.safetensors", read_file(testdata("dtypes.safetensors")));
  folder.write("pytorch_model.bin", "not looked at, since safetensors come first");
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(checkpoint.names().size(), 24u);
  EXPECT_EQ(checkpoint.info("a.int64").dtype, DType::i64);
  EXPECT_THAT(checkpoint.tensor("a.bfloat16").to_vector<float>(), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(checkpoint.bytes(), (5 + 6) * (8 + 4 + 2 + 2 + 8 + 4 + 2 + 1 + 1 + 1 + 1 + 1));
}

TEST(Checkpoint, OpensAPickledStateDict) {
  const TemporaryFolder folder;
  folder.write("pytorch_model.bin", read_file(testdata("views.bin")));
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  EXPECT_THAT(checkpoint.tensor("row").to_vector<float>(), ElementsAre(6, 7, 8));
  EXPECT_EQ(checkpoint.bytes(), 4 * (12 + 12 + 3 + 4 + 1 + 12));
}

TEST(Checkpoint, OpensShards) {
  const TemporaryFolder folder;
  write_shards(folder, R"({"a":"one.safetensors","b":"one.safetensors","c":"two.safetensors"})");
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  EXPECT_THAT(checkpoint.names(), ElementsAre("a", "b", "c"));
  EXPECT_THAT(checkpoint.tensor("c").to_vector<float>(), ElementsAre(3, 3, 3, 3));
  EXPECT_EQ(checkpoint.bytes(), 8 + 12 + 8);
  expect_error(ErrorKind::kNotFound, "no tensor \"d\"", [&] { checkpoint.tensor("d"); });
}

TEST(Checkpoint, OpensShardsOfPickledStateDicts) {
  const TemporaryFolder folder;
  folder.write("pytorch_model-00001-of-00001.bin", read_file(testdata("module_legacy.bin")));
  std::string map;
  for (const char* name :
       {"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"}) {
    map += (map.empty() ? "\"" : ",\"") + std::string(name) + "\":\"pytorch_model-00001-of-00001.bin\"";
  }
  folder.write("pytorch_model.bin.index.json", "{\"weight_map\":{" + map + "}}");
  EXPECT_THAT(Checkpoint::open(folder.path()).tensor("0.bias").to_vector<float>(), ElementsAre(1, 2));
}

TEST(Checkpoint, SaysWhatItLookedFor) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kNotFound,
               "looked for model.safetensors, model.safetensors.index.json, pytorch_model.bin, "
               "pytorch_model.bin.index.json",
               [&] { Checkpoint::open(folder.path()); });
}

TEST(Checkpoint, RefusesShardsThatDisagreeWithTheIndex) {
  const TemporaryFolder folder;
  auto refuses = [&](const std::string& map, ErrorKind kind, const std::string& message) {
    write_shards(folder, map);
    expect_error(kind, message, [&] { Checkpoint::open(folder.path()); });
  };
  refuses(R"({"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"})", ErrorKind::kInvalidFile,
          "tensor \"b\" is not in two.safetensors");
  refuses(R"({"a":"one.safetensors","c":"two.safetensors"})", ErrorKind::kInvalidFile,
          "one.safetensors has 2 tensors, but the index lists 1");
  refuses(R"({"a":"three.safetensors"})", ErrorKind::kNotFound, "three.safetensors");
}

TEST(ShardIndex, RefusesHostileIndexes) {
  auto refuses = [](const std::string& json, const std::string& message) {
    expect_error(ErrorKind::kInvalidFile, message, [&] { parse_shard_index(json); });
  };
  refuses("", "not a JSON object");
  refuses("[]", "not a JSON object");
  refuses("{\"weight_map\":{}", "not a JSON object");
  refuses(std::string(100'000, '['), "not a JSON object");
  refuses("{}", "\"weight_map\" is missing");
  refuses(R"({"weight_map":[]})", "\"weight_map\" is not an object");
  refuses(R"({"weight_map":{},"weight_map":{}})", "\"weight_map\" occurs twice");
  refuses(R"({"weight_map":{"a":1}})", "not a string");
  refuses(R"({"weight_map":{"a":"x.bin","a":"x.bin"}})", "\"a\" is listed twice");
  for (const char* shard : {"", ".", "..", "../x.bin", "/etc/passwd", "a/b", "a\\\\b", ".hidden", "x\\u0000.bin"}) {
    refuses(R"({"weight_map":{"a":")" + std::string(shard) + "\"}}", "not the name of a file beside the index");
  }
}

TEST(ShardIndex, WritesWhatTheReferenceWrites) {
  const ShardIndex index{{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"},
                         {{"b", 1}, {"a.\u00e9", 0}, {"B", 0}}};
  EXPECT_EQ(write_shard_index(index, 28, 7), R"({
  "metadata": {
    "total_parameters": 7,
    "total_size": 28
  },
  "weight_map": {
    "B": "model-00001-of-00002.safetensors",
    "a.\u00e9": "model-00001-of-00002.safetensors",
    "b": "model-00002-of-00002.safetensors"
  }
}
)");
}

}  // namespace
}  // namespace imago
