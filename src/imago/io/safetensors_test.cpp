#include "imago/io/safetensors.h"

#include <sys/resource.h>
#include <cstring>

#include "imago/io/test_files.h"

namespace imago {
namespace {

using testing::ElementsAre;

std::string file_bytes(const std::string& json, size_t data_bytes, std::string_view padding = {}) {
  const uint64_t length = json.size() + padding.size();
  std::string file(reinterpret_cast<const char*>(&length), 8);
  return file.append(json).append(padding) + std::string(data_bytes, '\1');
}

SafetensorsHeader parse(const std::string& file) {
  return parse_safetensors_header({reinterpret_cast<const std::byte*>(file.data()), file.size()});
}

std::string info(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}";
}

NamedTensors all_tensors(const SafetensorsFile& file) {
  NamedTensors tensors;
  for (const std::string& name : file.names()) tensors.emplace_back(name, file.tensor(name));
  return tensors;
}

TEST(Safetensors, ReadsEveryDTypeThatTheReferenceWrites) {
  const SafetensorsFile file = SafetensorsFile::open(testdata("dtypes.safetensors"));
  EXPECT_EQ(file.names().size(), 24u);
  EXPECT_EQ(file.names().front(), "a.int64");
  EXPECT_EQ(file.names().back(), "b.bool");
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    const std::string name = "b." + std::string(to_string(dtype));
    const Tensor tensor = file.tensor(name);
    EXPECT_EQ(tensor.dtype(), dtype);
    EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
    const double last = dtype == DType::boolean ? 1 : 5;
    EXPECT_EQ(tensor.to_vector<double>()[0], 0) << name;
    EXPECT_EQ(tensor.to_vector<double>()[5], last) << name;
    EXPECT_EQ(file.info(name).end - file.info(name).begin, tensor.nbytes());
  }
  ASSERT_TRUE(file.metadata().has_value());
  EXPECT_THAT(*file.metadata(), ElementsAre(testing::Pair("format", "pt")));
}

TEST(Safetensors, SavesWhatItLoadsByteForByte) {
  for (const char* name : {"dtypes", "odd_names", "no_metadata", "no_tensors"}) {
    const std::string path = testdata(std::string(name) + ".safetensors");
    const SafetensorsFile file = SafetensorsFile::open(path);
    NamedTensors tensors = all_tensors(file);
    std::reverse(tensors.begin(), tensors.end());  // the order in which they are given does not matter
    const TemporaryFolder folder;
    save_safetensors(folder / "copy.safetensors", tensors, file.metadata());
    EXPECT_EQ(read_file(folder / "copy.safetensors"), read_file(path)) << name;
  }
}

TEST(Safetensors, ReplacesTheFileThatItsTensorsBorrow) {
  const TemporaryFolder folder;
  const std::string original = read_file(testdata("dtypes.safetensors"));
  const std::string path = folder.write("model.safetensors", original);
  {
    const SafetensorsFile file = SafetensorsFile::open(path);
    save_safetensors(path, all_tensors(file), file.metadata());
  }
  EXPECT_EQ(read_file(path), original);
}

TEST(Safetensors, BorrowsTheMappingAndOutlivesTheFile) {
  Tensor tensor = SafetensorsFile::open(testdata("dtypes.safetensors")).tensor("a.float32");
  EXPECT_FALSE(tensor.storage()->writable());
  EXPECT_THAT(tensor.to_vector<float>(), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THROW(tensor.data_raw(), Error);
}

TEST(Safetensors, CopiesATensorThatLiesMisaligned) {
  std::string bytes = file_bytes(R"({"w":)" + info("F32", "2", "0,8") + "}", 8);
  ASSERT_NE((bytes.size() - 8) % 4, 0u);
  const float values[2] = {1.5F, -2.0F};
  std::memcpy(bytes.data() + bytes.size() - 8, values, 8);
  const TemporaryFolder folder;
  const Tensor tensor = SafetensorsFile::open(folder.write("odd.safetensors", bytes)).tensor("w");
  EXPECT_THAT(tensor.to_vector<float>(), ElementsAre(1.5F, -2.0F));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.const_data_raw()) % 4, 0u);
}

TEST(Safetensors, ReadsOddNamesEmptyTensorsAndScalars) {
  const SafetensorsFile file = SafetensorsFile::open(testdata("odd_names.safetensors"));
  EXPECT_EQ(file.tensor("empty").shape(), (Shape{0, 3}));
  EXPECT_EQ(file.tensor("scalar").item<float>(), 1.5F);
  EXPECT_EQ(file.tensor("z").shape(), (Shape{1, 2, 1, 3}));
  EXPECT_TRUE(file.contains("\u00e9 \"quoted\" \\ / \u2028 \x7f"));
  EXPECT_TRUE(file.contains("tab\t newline\n bell\a"));
  expect_error(ErrorKind::kNotFound, "has no tensor \"absent\"", [&] { file.tensor("absent"); });
}

TEST(Safetensors, OpeningDoesNotReadTheData) {
  const TemporaryFolder folder;
  const int64_t size = int64_t{2} << 30;
  const std::string header =
      file_bytes(R"({"w":)" + info("U8", std::to_string(size), "0," + std::to_string(size)) + "}", 0);
  const std::string path = folder.write("sparse.safetensors", header);
  std::filesystem::resize_file(path, header.size() + static_cast<uint64_t>(size));
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  const SafetensorsFile file = SafetensorsFile::open(path);
  const Tensor tensor = file.tensor("w");
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_EQ(tensor.numel(), size);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 * 1024);  // kilobytes
}

TEST(Safetensors, RefusesALengthThatLies) {
  expect_error(ErrorKind::kInvalidFile, "too short", [] { parse(""); });
  expect_error(ErrorKind::kInvalidFile, "too short", [] { parse("1234567"); });
  expect_error(ErrorKind::kLimitExceeded, "18446744073709551615 bytes", [] { parse(std::string(8, '\xff') + "{}"); });
  std::string huge = file_bytes("{}", 0);
  huge[3] = 6;  // 100663298 bytes
  expect_error(ErrorKind::kLimitExceeded, "100663298", [&] { parse(huge); });
  std::string beyond = file_bytes("{}", 0);
  beyond[0] = 3;
  expect_error(ErrorKind::kInvalidFile, "truncated", [&] { parse(beyond); });
  expect_error(ErrorKind::kInvalidFile, "does not begin with '{'", [] { parse(file_bytes(" {}", 0)); });
}

TEST(Safetensors, RefusesEveryTruncationOfAFile) {
  const std::string file = read_file(testdata("odd_names.safetensors"));
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_THROW(parse(file.substr(0, size)), Error) << size;
  }
  expect_error(ErrorKind::kInvalidFile, "bytes of data", [&] { parse(file + "x"); });
}

TEST(Safetensors, RefusesMalformedJson) {
  for (const char* json : {"{", "{}}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\xff:1}", "{\"\xed\xa0\x80\":1}"}) {
    expect_error(ErrorKind::kInvalidFile, "not a JSON object", [&] { parse(file_bytes(json, 0)); });
  }
  const std::string deep = "{\"a\":" + std::string(1 << 20, '[') + std::string(1 << 20, ']') + "}";
  expect_error(ErrorKind::kInvalidFile, "not a JSON object", [&] { parse(file_bytes(deep, 0)); });
  EXPECT_TRUE(parse(file_bytes("{}", 0, "    ")).names.empty());
}

struct BadHeader {
  const char* json;
  const char* message;
};

TEST(Safetensors, RefusesWhatADescriptionMustNotSay) {
  const BadHeader cases[] = {
      {R"({"w":7})", "not described by an object"},
      {R"({"w":{"dtype":"F32","shape":[1]}})", "lacks one of"},
      {R"({"w":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "\"dtype\" twice"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", "unknown key \"x\""},
      {R"({"w":{"dtype":1,"shape":[1],"data_offsets":[0,4]}})", "dtype that is not a string"},
      {R"({"w":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", "unknown dtype \"F33\""},
      {R"({"w":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", "shape that is not a list"},
      {R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "non-negative"},
      {R"({"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", "non-negative"},
      {R"({"w":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}})", "non-negative"},
      {R"({"w":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}})", "non-negative"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", "list of two"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", "list of two"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "before it begins"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", "takes 4 bytes, but its data_offsets span 8"},
      {R"({"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}})", "64 bits"},
      {R"({"w":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}})", "64 bits"},
      {R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})", "truncated"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "there is a hole"},
      {R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "4 bytes, but the file has 8"},
      {R"({"v":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[6],"data_offsets":[2,8]}})",
       "they overlap"},
      {R"({"w\u0000":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "NUL"},
      {R"({"__metadata__":1})", "not an object"},
      {R"({"__metadata__":{"a":1}})", "__metadata__ \"a\" is not a string"},
      {R"({"__metadata__":{"a":"1","a":"1"}})", "__metadata__ has \"a\" twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", "__metadata__ twice"},
  };
  for (const BadHeader& bad : cases) {
    expect_error(ErrorKind::kInvalidFile, bad.message, [&] { parse(file_bytes(bad.json, 8)); });
  }
}

TEST(Safetensors, NamesAnElementTypeItDoesNotHold) {
  for (const char* dtype : {"F8_E8M0", "F4", "F6_E2M3", "U16", "U32", "U64", "C64"}) {
    expect_error(ErrorKind::kUnsupported, dtype,
                 [&] { parse(file_bytes("{\"w\":" + info(dtype, "8", "0,8") + "}", 8)); });
  }
  expect_error(ErrorKind::kUnsupported, "more than 8 dimensions",
               [] { parse(file_bytes("{\"w\":" + info("U8", "1,1,1,1,1,1,1,1,8", "0,8") + "}", 8)); });
}

TEST(Safetensors, RefusesATensorListedTwice) {
  const std::string one = "\"w\":" + info("U8", "0", "0,0");
  const TemporaryFolder folder;
  const std::string path = folder.write("twice.safetensors", file_bytes("{" + one + "," + one + "}", 0));
  expect_error(ErrorKind::kInvalidFile, "tensor \"w\" twice", [&] { SafetensorsFile::open(path); });
}

TEST(Safetensors, RefusesToSaveWhatTheFormatCannotHold) {
  const TemporaryFolder folder;
  const std::string path = folder / "out.safetensors";
  const Tensor plain = Tensor::zeros({2, 3});
  auto refuses = [&](const std::string& message, const NamedTensors& tensors) {
    expect_error(ErrorKind::kInvalidArgument, message, [&] { save_safetensors(path, tensors); });
    EXPECT_FALSE(std::filesystem::exists(path));
  };
  refuses("undefined", {{"w", Tensor()}});
  refuses("not contiguous", {{"w", plain.alias({3, 2}, {1, 3}, 0)}});
  refuses("not on the cpu", {{"w", Tensor::empty({2}, DType::f32, Device::kMeta)}});
  refuses("\"w\" is listed twice", {{"w", plain}, {"w", plain}});
  refuses("__metadata__", {{"__metadata__", plain}});
  refuses("not UTF-8", {{"\xff", plain}});
}

}  // namespace
}  // namespace imago
