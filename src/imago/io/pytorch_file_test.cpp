#include "imago/io/pytorch_file.h"

#include <cstring>

#include "imago/io/test_files.h"

namespace imago {
namespace {

using testing::ElementsAre;

PytorchHeader parse(const std::string& file) {
  return parse_pytorch_header({reinterpret_cast<const std::byte*>(file.data()), file.size()});
}

std::string little_endian(uint64_t value, size_t bytes) { return {reinterpret_cast<const char*>(&value), bytes}; }

struct ZipPart {
  std::string name, bytes;
  uint16_t method = 0;
};

// A zip archive as torch writes it, but for checksums, which are not looked at.
std::string zip(const std::vector<ZipPart>& parts) {
  std::string file, directory;
  for (const ZipPart& part : parts) {
    const std::string sizes = little_endian(part.bytes.size(), 4) + little_endian(part.bytes.size(), 4);
    const std::string common = little_endian(0, 4) + little_endian(part.method, 2) + little_endian(0, 8) + sizes +
                               little_endian(part.name.size(), 2) + little_endian(0, 2);
    directory += "PK\1\2" + little_endian(0, 2) + common + little_endian(0, 2) + little_endian(0, 8) +
                 little_endian(file.size(), 4) + part.name;
    file += "PK\3\4" + common + part.name + part.bytes;
  }
  const std::string count = little_endian(parts.size(), 2);
  return file + directory + "PK\5\6" + little_endian(0, 4) + count + count + little_endian(directory.size(), 4) +
         little_endian(file.size(), 4) + little_endian(0, 2);
}

std::string with_pickle(const std::string& pickle, size_t storage_bytes = 24) {
  return zip({{"a/data.pkl", pickle}, {"a/data/0", std::string(storage_bytes, '\0')}});
}

std::string text(const std::string& value) { return "X" + little_endian(value.size(), 4) + value; }
std::string integer(int64_t value) { return "\x8a\x08" + little_endian(static_cast<uint64_t>(value), 8); }
std::string tuple(const std::vector<int64_t>& values) {
  std::string pickle = "(";
  for (const int64_t value : values) pickle += integer(value);
  return pickle + "t";
}

std::string tensor(int64_t offset, const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                   int64_t count = 6) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") +
         text("cpu") + integer(count) + "tQ" + integer(offset) + tuple(sizes) + tuple(strides) + "\x89NtR";
}

std::string state_dict(const std::string& value) { return "\x80\x02}(" + text("w") + value + "u."; }

TEST(PytorchFile, ReadsEveryDTypeThatTorchWrites) {
  const PytorchFile file = PytorchFile::open(testdata("dtypes.bin"));
  EXPECT_EQ(file.names().size(), static_cast<size_t>(kNumDTypes));
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    const Tensor tensor = file.tensor(to_string(dtype));
    EXPECT_EQ(tensor.dtype(), dtype);
    EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
    const double top = dtype == DType::boolean ? 1 : 5;
    EXPECT_EQ(tensor.to_vector<double>()[5], top) << to_string(dtype);
    EXPECT_FALSE(tensor.storage()->writable());
  }
}

TEST(PytorchFile, ReadsStateDictsOfBothFormatsAndProtocols) {
  for (const char* name : {"module", "module_protocol4", "module_legacy", "module_legacy_protocol4"}) {
    const PytorchFile file = PytorchFile::open(testdata(std::string(name) + ".bin"));
    EXPECT_THAT(file.names(), ElementsAre("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                                          "1.num_batches_tracked"))
        << name;
    EXPECT_THAT(file.tensor("0.weight").to_vector<float>(), ElementsAre(0, 1, 2, 3, 4, 5)) << name;
    EXPECT_THAT(file.tensor("0.bias").to_vector<float>(), ElementsAre(1, 2)) << name;
    EXPECT_THAT(file.tensor("1.bias").to_vector<float>(), ElementsAre(3, 4)) << name;
    EXPECT_THAT(file.tensor("1.running_var").to_vector<float>(), ElementsAre(1, 1)) << name;
    EXPECT_EQ(file.tensor("1.num_batches_tracked").item<int64_t>(), 0) << name;
  }
}

TEST(PytorchFile, ReadsViewsOfOneStorage) {
  for (const char* name : {"views.bin", "views_legacy.bin"}) {
    const PytorchFile file = PytorchFile::open(testdata(name));
    const Tensor transposed = file.tensor("transposed");
    EXPECT_EQ(transposed.shape(), (Shape{3, 4}));
    EXPECT_THAT(transposed.to_vector<float>(), ElementsAre(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11)) << name;
    EXPECT_THAT(file.tensor("row").to_vector<float>(), ElementsAre(6, 7, 8)) << name;
    EXPECT_THAT(file.tensor("column").to_vector<float>(), ElementsAre(1, 4, 7, 10)) << name;
    EXPECT_EQ(file.tensor("scalar").item<float>(), 11) << name;
    EXPECT_EQ(file.tensor("parameter").shape(), (Shape{4, 3})) << name;
    EXPECT_EQ(file.tensor("empty").shape(), (Shape{0, 4})) << name;
  }
}

TEST(PytorchFile, SharedStoragesStayShared) {
  const PytorchFile file = PytorchFile::open(testdata("views.bin"));
  EXPECT_EQ(file.tensor("base").const_data_raw(), file.tensor("parameter").const_data_raw());
}

TEST(PytorchFile, RefusesByNameWhatIsNoStateDict) {
  expect_error(ErrorKind::kUnsupported, "repeats the elements", [] { PytorchFile::open(testdata("expanded.bin")); });
  expect_error(ErrorKind::kUnsupported, "torch.uint16", [] { PytorchFile::open(testdata("uint16.bin")); });
  expect_error(ErrorKind::kUnsupported, "entry \"epoch\" is not a tensor",
               [] { PytorchFile::open(testdata("nested.bin")); });
  expect_error(ErrorKind::kUnsupported, "holds no state dict", [] { PytorchFile::open(testdata("list.bin")); });
  expect_error(ErrorKind::kInvalidFile, "neither a zip archive nor a pickle", [] { parse("hello"); });
  expect_error(ErrorKind::kInvalidFile, "neither a zip archive nor a pickle", [] { parse(""); });
}

TEST(PytorchFile, RunsNothing) {
  expect_error(ErrorKind::kUnsupported, "os.system",
               [] { parse(with_pickle("cos\nsystem\n" + text("true") + "\x85R.")); });
  expect_error(ErrorKind::kUnsupported, "builtins.eval",
               [] { parse(with_pickle("\x80\x04" + text("builtins") + text("eval") + "\x93.")); });
  expect_error(ErrorKind::kUnsupported, "torch.storage._load_from_bytes",
               [] { parse(with_pickle("ctorch.storage\n_load_from_bytes\n.")); });
  for (const char* opcode : {"i", "o", "\x81", "\x92", "\x82", "P", "I", "V"}) {
    expect_error(ErrorKind::kUnsupported, "opcode", [&] { parse(with_pickle(opcode)); });
  }
  expect_error(ErrorKind::kInvalidFile, "not a function", [] { parse(with_pickle("N)R.")); });
  expect_error(ErrorKind::kInvalidFile, "not a function", [] { parse(with_pickle("ctorch\nFloatStorage\n)R.")); });
  expect_error(ErrorKind::kUnsupported, "attributes are set", [] { parse(with_pickle("N}b.")); });
}

TEST(PytorchFile, RefusesMalformedPickles) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "truncated"},
      {"N", "truncated"},
      {"X\xff\xff\xff\xff", "truncated"},
      {"ctorch", "truncated"},
      {".", "other than one value"},
      {"NN.", "other than one value"},
      {"(N.", "other than one value"},
      {"0", "empty stack"},
      {"(0", "empty stack"},
      {"\x85", "empty stack"},
      {"t", "no mark"},
      {"h\1", "never stored"},
      {"Nq\3h\1.", "never stored"},
      {"NNa", "no list"},
      {"NNNs", "no dict"},
      {"}(Nu", "no value"},
      {"NQ", "another type"},
      {"N.N", "goes on"},
  };
  for (const auto& [pickle, message] : cases) {
    expect_error(ErrorKind::kInvalidFile, message, [&, &p = pickle] { parse(with_pickle(p)); });
  }
}

TEST(PytorchFile, BoundsWhatAPickleTakes) {
  expect_error(ErrorKind::kLimitExceeded, "too many values", [] { parse(with_pickle(std::string(5'000'000, ')'))); });
  expect_error(ErrorKind::kLimitExceeded, "marks", [] { parse(with_pickle(std::string(100'000, '('))); });
  expect_error(ErrorKind::kLimitExceeded, "memo", [] { parse(with_pickle("Nr\xff\xff\xff\xff.")); });
  expect_error(ErrorKind::kLimitExceeded, "stack", [] { parse(with_pickle("N" + std::string(20'000'000, '2'))); });
  // One list of a thousand pairs, copied again and again.
  std::string copies = "](";
  for (int i = 0; i < 1000; ++i) copies += "NN\x86";
  copies +=
      "eq\1"
      "0"
      "ccollections\nOrderedDict\nq\2"
      "0";
  for (int i = 0; i < 200'000; ++i)
    copies +=
        "h\2h\1\x85R"
        "0";
  expect_error(ErrorKind::kLimitExceeded, "too many values", [&] { parse(with_pickle(copies + ".")); });
  // One long name for many entries.
  std::string names = tensor(0, {6}, {1}) +
                      "q\1"
                      "0" +
                      text(std::string(100'000, 'n')) +
                      "q\2"
                      "0}(";
  for (int i = 0; i < 100'000; ++i) names += "h\2h\1";
  expect_error(ErrorKind::kInvalidFile, "share a name", [&] { parse(with_pickle(names + "u.")); });
}

TEST(PytorchFile, ReadsAValueThatContainsItself) {
  expect_error(ErrorKind::kUnsupported, "no state dict", [] { parse(with_pickle("]q\1h\1a.")); });
  expect_error(ErrorKind::kUnsupported, "entry \"w\" is not a tensor",
               [] { parse(with_pickle("}q\1" + text("w") + "h\1s.")); });
}

TEST(PytorchFile, RefusesTensorsThatLeaveTheirStorage) {
  EXPECT_EQ(parse(with_pickle(state_dict(tensor(0, {2, 3}, {3, 1})))).infos[0].shape, (Shape{2, 3}));
  EXPECT_EQ(parse(with_pickle(state_dict(tensor(6, {0, 3}, {3, 1})))).infos[0].end,
            0 + parse(with_pickle(state_dict(tensor(6, {0, 3}, {3, 1})))).infos[0].begin);
  constexpr int64_t kHuge = int64_t{1} << 62;
  for (const std::string& bad : {tensor(1, {2, 3}, {3, 1}), tensor(0, {2, 3}, {4, 1}), tensor(0, {7}, {1}),
                                 tensor(kHuge, {1}, {1}), tensor(0, {3}, {kHuge})}) {
    expect_error(ErrorKind::kInvalidFile, "reaches beyond its storage", [&] { parse(with_pickle(state_dict(bad))); });
  }
  expect_error(ErrorKind::kInvalidFile, "64 bits", [] {
    parse(with_pickle(state_dict(tensor(0, {kHuge, 4}, {0, 0}))));
  });
  expect_error(ErrorKind::kInvalidFile, "negative", [] { parse(with_pickle(state_dict(tensor(0, {-1}, {1})))); });
  expect_error(ErrorKind::kInvalidFile, "negative", [] { parse(with_pickle(state_dict(tensor(0, {2}, {-1})))); });
  expect_error(ErrorKind::kInvalidFile, "negative", [] { parse(with_pickle(state_dict(tensor(-1, {2}, {1})))); });
  expect_error(ErrorKind::kInvalidFile, "not as many", [] { parse(with_pickle(state_dict(tensor(0, {2}, {})))); });
  expect_error(ErrorKind::kUnsupported, "9 dimensions", [] {
    const std::vector<int64_t> ones(9, 1);
    parse(with_pickle(state_dict(tensor(0, ones, ones))));
  });
}

TEST(PytorchFile, RefusesStoragesThatLie) {
  expect_error(ErrorKind::kInvalidFile, "has 20 bytes where 24 were expected",
               [] { parse(with_pickle(state_dict(tensor(0, {2}, {1})), 20)); });
  expect_error(ErrorKind::kInvalidFile, "negative size",
               [] { parse(with_pickle(state_dict(tensor(0, {2}, {1}, -1)))); });
  expect_error(ErrorKind::kInvalidFile, "64 bits",
               [] { parse(with_pickle(state_dict(tensor(0, {2}, {1}, int64_t{1} << 62)))); });
  expect_error(ErrorKind::kInvalidFile, "storage \"0\" is missing", [] {
    parse(zip({{"a/data.pkl", state_dict(tensor(0, {2}, {1}))}}));
  });
  expect_error(ErrorKind::kInvalidFile, "two ways", [] {
    parse(with_pickle("\x80\x02}(" + text("v") + tensor(0, {2}, {1}) + text("w") + tensor(0, {2}, {1}, 5) + "u."));
  });
}

TEST(PytorchFile, RefusesNamesThatOccurTwice) {
  const TemporaryFolder folder;
  const std::string one = text("w") + tensor(0, {2}, {1});
  const std::string path = folder.write("twice.bin", with_pickle("}(" + one + one + "u."));
  expect_error(ErrorKind::kInvalidFile, "tensor \"w\" twice", [&] { PytorchFile::open(path); });
}

TEST(PytorchFile, RefusesABoolThatIsNeitherTrueNorFalse) {
  const TemporaryFolder folder;
  std::string pickle = state_dict(tensor(0, {6}, {1}));
  pickle.replace(pickle.find("FloatStorage"), 12, "BoolStorage");
  const std::string path = folder.write("bool.bin", zip({{"a/data.pkl", pickle}, {"a/data/0", std::string(6, '\2')}}));
  expect_error(ErrorKind::kInvalidFile, "other than 0 and 1 in " + path + ": w",
               [&] { PytorchFile::open(path).tensor("w"); });
}

TEST(PytorchFile, RefusesArchivesThatLie) {
  const std::string pickle = state_dict(tensor(0, {2}, {1}));
  const ZipPart data{"a/data/0", std::string(24, '\0')};
  expect_error(ErrorKind::kUnsupported, "\"a/data.pkl\" is compressed", [&] {
    parse(zip({{"a/data.pkl", pickle, 8}, data}));
  });
  expect_error(ErrorKind::kInvalidFile, "occurs twice", [&] { parse(zip({{"a/data.pkl", pickle}, data, data})); });
  expect_error(ErrorKind::kInvalidFile, "no data.pkl", [&] { parse(zip({data})); });
  expect_error(ErrorKind::kUnsupported, "big-endian", [&] {
    parse(zip({{"a/data.pkl", pickle}, {"a/byteorder", "big"}, data}));
  });
  expect_error(ErrorKind::kUnsupported, "TorchScript", [&] {
    parse(zip({{"a/data.pkl", pickle}, {"a/constants.pkl", "N."}, data}));
  });
  std::string overlapping = zip({{"a/data.pkl", pickle}, data});
  const size_t second = overlapping.rfind("PK\1\2");
  std::memset(overlapping.data() + second + 42, 0, 4);  // where its local header is
  expect_error(ErrorKind::kInvalidFile, "called otherwise", [&] { parse(overlapping); });
  std::string enlarged = zip({{"a/data.pkl", pickle}, data});
  enlarged[enlarged.rfind("PK\1\2") + 23] = 1;  // 64 KB
  enlarged[enlarged.rfind("PK\1\2") + 27] = 1;
  expect_error(ErrorKind::kInvalidFile, "reaches beyond", [&] { parse(enlarged); });
}

TEST(PytorchFile, RefusesEveryTruncation) {
  for (const char* name : {"views.bin", "views_legacy.bin", "module_legacy_protocol4.bin"}) {
    const std::string file = read_file(testdata(name));
    for (size_t size = 0; size < file.size(); ++size) {
      EXPECT_THROW(parse(file.substr(0, size)), Error) << name << " " << size;
    }
  }
}

TEST(PytorchFile, AChangedByteNeverDoesHarm) {
  for (const char* name : {"views.bin", "views_legacy.bin"}) {
    const std::string original = read_file(testdata(name));
    for (size_t i = 0; i < original.size(); ++i) {
      for (const int change : {1, 0x80, 0xff}) {
        std::string file = original;
        file[i] = static_cast<char>(file[i] ^ change);
        try {
          for (const TensorInfo& info : parse(file).infos) {
            EXPECT_LE(0, info.begin);
            EXPECT_LE(info.begin, info.end);
            EXPECT_LE(info.end, static_cast<int64_t>(file.size()));
          }
        } catch (const Error&) {
        }
      }
    }
  }
}

}  // namespace
}  // namespace imago
