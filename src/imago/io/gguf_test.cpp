#include <cstring>

#include "imago/io/gguf_file.h"
#include "imago/io/test_files.h"
#include "imago/tensor/encoded_matrix.h"

namespace imago {
namespace {

// Puts the fields of a GGUF file together.
class Builder {
 public:
  template <class T>
  Builder& number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return *this;
  }
  Builder& text(std::string_view value) {
    number<uint64_t>(value.size());
    bytes_ += value;
    return *this;
  }
  Builder& head(uint64_t tensors, uint64_t entries, uint32_t version = 3) {
    bytes_ = "GGUF";
    return number(version).number(tensors).number(entries);
  }
  template <class T>
  Builder& entry(std::string_view key, GgufType type, T value) {
    return text(key).number(static_cast<uint32_t>(type)).number(value);
  }
  Builder& tensor(std::string_view name, std::vector<int64_t> sizes, uint32_t type, int64_t offset) {
    text(name).number(static_cast<uint32_t>(sizes.size()));
    for (const int64_t size : sizes) number(size);
    return number(type).number(offset);
  }
  Builder& align(size_t alignment = 32) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  Builder& data(size_t size) {
    bytes_.append(size, '\1');
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

GgufHeader parse(const std::string& file) {
  return parse_gguf_header({reinterpret_cast<const std::byte*>(file.data()), file.size()});
}

ErrorKind kind_of(const std::string& file) {
  try {
    parse(file);
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::kInternal;
}

constexpr auto kInvalid = ErrorKind::kInvalidFile;
constexpr uint32_t kF32 = 0, kQ8_0 = 8;

TEST(GgufHeader, TensorsWithSizesInRowMajorOrder) {
  Builder file;
  file.head(2, 1).entry<uint32_t>("n", GgufType::kUint32, 7);
  file.tensor("a", {32, 3}, kQ8_0, 0).tensor("b", {5}, kF32, 128).align().data(128 + 20);
  const GgufHeader header = parse(file.bytes());
  EXPECT_EQ(header.metadata.integer("n"), 7);
  EXPECT_THAT(header.names, testing::ElementsAre("a", "b"));
  EXPECT_EQ(header.infos[0].shape, Shape({3, 32}));
  EXPECT_EQ(header.infos[0].format, "q8_0");
  EXPECT_EQ(header.infos[0].end - header.infos[0].begin, 3 * 34);
  EXPECT_EQ(header.infos[1].begin - header.infos[0].begin, 128);
  EXPECT_EQ(header.infos[1].format, "");
}

TEST(GgufHeader, WrongFronts) {
  EXPECT_EQ(kind_of(""), kInvalid);
  EXPECT_EQ(kind_of("GGUX" + Builder().head(0, 0).bytes().substr(4)), kInvalid);
  EXPECT_EQ(kind_of(Builder().head(0, 0, 1).bytes()), ErrorKind::kUnsupported);
  EXPECT_EQ(kind_of(Builder().head(0, 0, 3u << 24).bytes()), ErrorKind::kUnsupported);  // big-endian
  EXPECT_EQ(kind_of(Builder().head(~uint64_t{0}, 0).bytes()), ErrorKind::kLimitExceeded);
  EXPECT_EQ(kind_of(Builder().head(0, ~uint64_t{0}).bytes()), ErrorKind::kLimitExceeded);
  EXPECT_EQ(kind_of(Builder().head(1, 0).bytes()), kInvalid);  // truncated
}

TEST(GgufHeader, WrongMetadata) {
  const auto entry = [](std::string_view key, uint32_t type) { return Builder().head(0, 1).text(key).number(type); };
  EXPECT_EQ(kind_of(entry("", 0).number<uint8_t>(0).bytes()), kInvalid);
  EXPECT_EQ(kind_of(entry("\xff", 0).number<uint8_t>(0).bytes()), kInvalid);
  EXPECT_EQ(kind_of(entry("k", 13).number<uint64_t>(0).bytes()), kInvalid);  // no such type
  EXPECT_EQ(kind_of(entry("k", 7).number<uint8_t>(2).bytes()), kInvalid);    // a bool of 2
  EXPECT_EQ(kind_of(entry("k", 8).number<uint64_t>(1u << 30).bytes()), kInvalid);
  EXPECT_EQ(kind_of(entry("k", 8).text("\xc3").bytes()), kInvalid);
  const auto array = [&](uint32_t type, uint64_t count) { return entry("k", 9).number(type).number(count); };
  EXPECT_EQ(kind_of(array(4, uint64_t{1} << 62).bytes()), kInvalid);  // 4 * count wraps around
  EXPECT_EQ(kind_of(array(8, uint64_t{1} << 61).bytes()), kInvalid);
  EXPECT_EQ(kind_of(array(9, 1).bytes()), ErrorKind::kUnsupported);
  Builder twice;
  twice.head(0, 2).entry<uint8_t>("k", GgufType::kUint8, 0).entry<uint8_t>("k", GgufType::kUint8, 0);
  EXPECT_EQ(kind_of(twice.bytes()), kInvalid);
  EXPECT_EQ(kind_of(Builder().head(0, 1).entry<uint32_t>("general.alignment", GgufType::kUint32, 24).bytes()),
            kInvalid);
  EXPECT_EQ(kind_of(Builder().head(0, 1).entry<uint16_t>("split.count", GgufType::kUint16, 2).bytes()),
            ErrorKind::kUnsupported);
}

TEST(GgufHeader, WrongTensors) {
  const auto one = [](std::vector<int64_t> sizes, uint32_t type, int64_t offset, size_t bytes) {
    return Builder().head(1, 0).tensor("t", std::move(sizes), type, offset).align().data(bytes).bytes();
  };
  EXPECT_EQ(kind_of(one({}, kF32, 0, 64)), kInvalid);
  EXPECT_EQ(kind_of(one({1, 1, 1, 1, 1}, kF32, 0, 64)), kInvalid);
  EXPECT_EQ(kind_of(one({0}, kF32, 0, 64)), kInvalid);
  EXPECT_EQ(kind_of(one({-4}, kF32, 0, 64)), kInvalid);
  EXPECT_EQ(kind_of(one({int64_t{1} << 62, 4}, kF32, 0, 64)), kInvalid);
  EXPECT_EQ(kind_of(one({32, int64_t{1} << 62}, kQ8_0, 0, 64)), kInvalid);
  EXPECT_EQ(kind_of(one({33}, kQ8_0, 0, 64)), kInvalid);             // no whole block
  EXPECT_EQ(kind_of(one({16}, 4, 0, 64)), ErrorKind::kUnsupported);  // a type that was taken back
  EXPECT_EQ(kind_of(one({16}, kF32, 16, 128)), kInvalid);            // misaligned
  EXPECT_EQ(kind_of(one({16}, kF32, -32, 128)), kInvalid);
  EXPECT_EQ(kind_of(one({16}, kF32, 32, 64)), kInvalid);  // ends beyond the file
  EXPECT_EQ(kind_of(one({16}, kF32, std::numeric_limits<int64_t>::max() - 31, 64)), kInvalid);
  EXPECT_EQ(kind_of(one({16}, kF32, 0, 64 + 32)), kInvalid);              // something follows
  EXPECT_EQ(kind_of(one({16}, kF32, 0, 64 + 31)), ErrorKind::kInternal);  // padding may
  Builder overlap;
  overlap.head(2, 0).tensor("a", {16}, kF32, 0).tensor("b", {16}, kF32, 32).align().data(96);
  EXPECT_EQ(kind_of(overlap.bytes()), kInvalid);
}

TEST(GgufMetadata, ValuesOfAnotherKind) {
  const std::string file = Builder().head(0, 1).entry<float>("k", GgufType::kFloat32, 1).bytes();
  const GgufMetadata metadata = parse(file).metadata;
  EXPECT_EQ(metadata.number("k"), 1);
  EXPECT_EQ(metadata.integer("other"), std::nullopt);
  EXPECT_THROW(metadata.integer("k"), Error);
  EXPECT_THROW(metadata.text("k"), Error);
  EXPECT_THROW(metadata.boolean("k"), Error);
}

GgufArchitectures one_architecture() {
  GgufArchitectures architectures;
  architectures.add({.name = "toy",
                     .model_type = "toy_type",
                     .architecture = "ToyModel",
                     .keys = {{"size", "hidden_size", GgufArchitecture::Kind::kInteger, true},
                              {"eps", "norm_eps", GgufArchitecture::Kind::kNumber}},
                     .tensors = {{"blk.*.a", "layers.*.first"},
                                 {"blk.*.q", "layers.*.query", "size"},
                                 {"blk.*.n", "layers.*.norm", "", 1}},
                     .ignored_tensors = {},
                     .complete = nullptr});
  return architectures;
}

Builder toy(uint64_t entries, uint64_t tensors) {
  Builder file;
  file.head(tensors, entries + 2).text("general.architecture").number<uint32_t>(8).text("toy");
  return file.entry<int32_t>("toy.size", GgufType::kInt32, 2);
}

TEST(GgufFile, NamesAndConfigurationOfTheHub) {
  const TemporaryFolder folder;
  Builder file = toy(1, 2);
  file.entry<float>("toy.eps", GgufType::kFloat32, 1e-5F);
  file.tensor("blk.12.a.weight", {32, 2}, kQ8_0, 0).tensor("blk.0.q.bias", {8}, kF32, 96).align().data(96);
  for (const float value : {0.F, 1.F, 2.F, 3.F, 4.F, 5.F, 6.F, 7.F}) file.number(value);
  const GgufFile opened = GgufFile::open(folder.write("toy.gguf", file.bytes()), one_architecture());
  EXPECT_THAT(opened.names(), testing::ElementsAre("layers.12.first.weight", "layers.0.query.bias"));
  EXPECT_EQ(
      opened.config(),
      "{\n  \"architectures\": [\n    \"ToyModel\"\n  ],\n  \"model_type\": \"toy_type\",\n  \"hidden_size\": 2,\n"
      "  \"norm_eps\": 1e-05\n}");
  EXPECT_EQ(opened.tensor("layers.12.first.weight").describe(), "float32 [2, 32] as q8_0 on cpu");
  // Two heads of four rows each, from pairs to halves.
  EXPECT_THAT(opened.tensor("layers.0.query.bias").to_vector<float>(), testing::ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
}

TEST(GgufFile, WhatTheFileHasMoreIsTakenOff) {
  const TemporaryFolder folder;
  Builder file = toy(0, 1);
  file.tensor("blk.0.n.weight", {3}, kF32, 0).align();
  for (const float value : {1.5F, 0.25F, 3.F}) file.number(value);
  const GgufFile opened = GgufFile::open(folder.write("toy.gguf", file.bytes()), one_architecture());
  EXPECT_THAT(opened.tensor("layers.0.norm.weight").to_vector<float>(), testing::ElementsAre(0.5F, -0.75F, 2.F));
}

TEST(GgufFile, NamesAreFoundBothWays) {
  const GgufArchitectures architectures = one_architecture();
  const GgufArchitecture& toy_architecture = architectures.find("toy");
  EXPECT_EQ(gguf_name(toy_architecture, "layers.12.query.bias").name, "blk.12.q.bias");
  EXPECT_EQ(hub_name(toy_architecture, "blk.12.q.bias").name, "layers.12.query.bias");
  EXPECT_EQ(gguf_name(toy_architecture, "layers.12.other.bias").rule, nullptr);
  EXPECT_THROW(architectures.find_for_model("toy_type"), Error);  // which is only read
}

TEST(GgufFile, RefusesWhatItDoesNotKnow) {
  const TemporaryFolder folder;
  const auto open = [&](const Builder& file) {
    try {
      GgufFile::open(folder.write("toy.gguf", file.bytes()), one_architecture());
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("opened");
  };
  EXPECT_EQ(open(toy(0, 0)), "opened");
  EXPECT_THAT(open(toy(1, 0).entry<float>("toy.logit_scale", GgufType::kFloat32, 2)),
              testing::HasSubstr("toy.logit_scale"));
  EXPECT_THAT(open(toy(0, 1).tensor("blk.0.extra.weight", {8}, kF32, 0).align().data(32)),
              testing::HasSubstr("blk.0.extra.weight"));
  EXPECT_THAT(open(toy(0, 1).tensor("blk.0x.a.weight", {8}, kF32, 0).align().data(32)), testing::HasSubstr("blk.0x.a"));
  Builder other;
  other.head(0, 1).text("general.architecture").number<uint32_t>(8).text("mamba");
  EXPECT_THAT(open(other), testing::HasSubstr("mamba"));
  Builder missing;
  missing.head(0, 1).text("general.architecture").number<uint32_t>(8).text("toy");
  EXPECT_THAT(open(missing), testing::HasSubstr("toy.size"));
}

}  // namespace
}  // namespace imago
