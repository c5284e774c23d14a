#include "imago/io/pytorch_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "imago/base/byte_reader.h"
#include "imago/base/error.h"
#include "imago/base/quote.h"
#include "imago/io/torch_objects.h"
#include "imago/io/unpickler.h"
#include "imago/io/zip_directory.h"

namespace imago {
namespace {

using Kind = PickleValue::Kind;

constexpr const char* kWhere = "pytorch checkpoint";
constexpr int64_t kMaxPickleBytes = 100'000'000;
constexpr size_t kMaxTensors = size_t{1} << 20;
constexpr int64_t kLegacyProtocol = 1001;
// 0x1950a86a20f9469cfc6c, as a pickle writes a long integer.
constexpr std::string_view kLegacyMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);

[[noreturn]] void fail(const std::string& what, ErrorKind kind = ErrorKind::kInvalidFile) {
  throw Error(kind, kWhere, what);
}

std::span<const std::byte> part(std::span<const std::byte> file, const ZipEntry& entry) {
  return file.subspan(static_cast<size_t>(entry.begin), static_cast<size_t>(entry.end - entry.begin));
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Collects what the pickles of one file say, and where its storages lie.
class StateDictReader {
 public:
  explicit StateDictReader(std::span<const std::byte> file)
      : file_(file), objects_(heap_), unpickler_(heap_, objects_) {}

  PytorchHeader read() { return is_zip(file_) ? read_zip() : read_legacy(); }

 private:
  struct Range {
    int64_t begin, end;
  };

  PytorchHeader read_zip();
  PytorchHeader read_legacy();
  void check_legacy_preamble(ByteReader& reader);
  void place_legacy_storages(ByteReader& reader);
  PytorchHeader collect(PickleId root, size_t pickle_bytes);
  TensorInfo place(const TorchTensor& tensor, std::string_view name) const;
  int64_t storage_bytes(const TorchStorage& storage) const {
    const int64_t count[] = {storage.count};
    return checked_bytes(count, storage.element_size(), kWhere, storage.key);
  }

  std::span<const std::byte> file_;
  PickleHeap heap_;
  TorchObjects objects_;
  Unpickler unpickler_;
  std::vector<std::optional<Range>> ranges_;  // of each storage
};

// <archive>/data.pkl and <archive>/data/<key>, where <archive> is any folder's name.
PytorchHeader StateDictReader::read_zip() {
  const std::vector<ZipEntry> entries = read_zip_directory(file_);
  std::vector<std::string> names;
  for (const ZipEntry& entry : entries) names.push_back(entry.name);
  const NameTable table(std::move(names));
  auto entry_of = [&](const std::string& name) {
    const auto index = table.find(name);
    return index ? &entries[*index] : nullptr;
  };
  const std::string archive = entries.empty() ? "" : entries.front().name.substr(0, entries.front().name.find('/'));
  const ZipEntry* pickle = entry_of(archive + "/data.pkl");
  if (pickle == nullptr) fail("the zip archive has no data.pkl: torch.save did not write it");
  if (entry_of(archive + "/constants.pkl") != nullptr) {
    fail("the file is a TorchScript program, not a state dict", ErrorKind::kUnsupported);
  }
  if (const ZipEntry* order = entry_of(archive + "/byteorder"); order && as_text(part(file_, *order)) != "little") {
    fail("the file was written on a big-endian machine", ErrorKind::kUnsupported);
  }
  if (pickle->end - pickle->begin > kMaxPickleBytes) fail("data.pkl is too large", ErrorKind::kLimitExceeded);
  ByteReader reader(part(file_, *pickle), kWhere);
  const PickleId root = unpickler_.load(reader);
  if (reader.remaining() != 0) fail("data.pkl goes on behind its end");

  for (const TorchStorage& storage : objects_.storages()) {
    const ZipEntry* entry =
        storage.key.size() > 100 ? nullptr : entry_of(archive + "/data/" + std::string(storage.key));
    if (entry == nullptr) fail(fmt::format("storage {} is missing", quote(storage.key)));
    if (const int64_t bytes = storage_bytes(storage); bytes != entry->end - entry->begin) {
      fail(fmt::format("storage {} has {} bytes where {} were expected", quote(storage.key), entry->end - entry->begin,
                       bytes));
    }
    ranges_.push_back(Range{entry->begin, entry->end});
  }
  return collect(root, reader.position());
}

// Pickles of a magic number, a protocol version, facts about the machine, the object, and the list of storage keys;
// then, of each key, the count of elements and the elements.
PytorchHeader StateDictReader::read_legacy() {
  ByteReader reader(file_, kWhere);
  check_legacy_preamble(reader);
  const size_t begin = reader.position();
  const PickleId root = unpickler_.load(reader);
  const size_t pickle_bytes = reader.position() - begin;
  place_legacy_storages(reader);
  return collect(root, pickle_bytes);
}

void StateDictReader::check_legacy_preamble(ByteReader& reader) {
  constexpr uint8_t kProto = 0x80;
  if (file_.empty() || file_[0] != std::byte{kProto}) fail("the file is neither a zip archive nor a pickle");
  const PickleId magic = unpickler_.load(reader);
  if (heap_[magic].kind != Kind::kBigInt || heap_[magic].text != kLegacyMagic) {
    fail("the file is a pickle that torch.save did not write");
  }
  const PickleId version = unpickler_.load(reader);
  if (heap_[version].kind != Kind::kInt || heap_[version].number != kLegacyProtocol) {
    fail("the file has another version of the format than 1001", ErrorKind::kUnsupported);
  }
  const PickleId machine = unpickler_.load(reader);
  if (heap_[machine].kind != Kind::kDict) fail("the facts about the machine are not a dict");
  const std::vector<PickleId>& facts = heap_[machine].items;
  for (size_t i = 0; i < facts.size(); i += 2) {
    const PickleValue& value = heap_[facts[i + 1]];
    if (heap_[facts[i]].text == "little_endian" && (value.kind != Kind::kBool || value.number != 1)) {
      fail("the file was written on a big-endian machine", ErrorKind::kUnsupported);
    }
  }
}

void StateDictReader::place_legacy_storages(ByteReader& reader) {
  std::vector<std::string> keys;
  for (const TorchStorage& storage : objects_.storages()) keys.emplace_back(storage.key.substr(0, 100));
  const NameTable table(std::move(keys));
  ranges_.resize(objects_.storages().size());
  const PickleId list = unpickler_.load(reader);
  if (heap_[list].kind != Kind::kList) fail("the storage keys are not a list");
  for (const PickleId id : heap_[list].items) {
    const PickleValue& key = heap_[id];
    const auto index = key.kind == Kind::kString ? table.find(key.text) : std::nullopt;
    if (!index) fail(fmt::format("storage {} is listed, but no tensor uses it", quote(key.text)));
    const TorchStorage& storage = objects_.storages()[*index];
    if (ranges_[*index]) fail(fmt::format("storage {} is listed twice", quote(key.text)));
    const auto count = reader.read<int64_t>();
    if (count != storage.count) {
      fail(fmt::format("storage {} has {} elements where {} were expected", quote(key.text), count, storage.count));
    }
    const int64_t bytes = storage_bytes(storage);
    const auto begin = static_cast<int64_t>(reader.position());
    reader.skip(static_cast<uint64_t>(bytes));
    ranges_[*index] = Range{begin, begin + bytes};
  }
  if (reader.remaining() != 0) fail("the file goes on behind its last storage");
}

PytorchHeader StateDictReader::collect(PickleId root, size_t pickle_bytes) {
  if (heap_[root].kind != Kind::kDict) fail("the file holds no state dict", ErrorKind::kUnsupported);
  const std::vector<PickleId>& items = heap_[root].items;
  if (items.size() / 2 > kMaxTensors) fail("the file lists too many tensors", ErrorKind::kLimitExceeded);
  PytorchHeader header;
  size_t name_bytes = 0;
  for (size_t i = 0; i < items.size(); i += 2) {
    const PickleValue &name = heap_[items[i]], &value = heap_[items[i + 1]];
    if (name.kind != Kind::kString) fail("a key of the state dict is not a string", ErrorKind::kUnsupported);
    if (value.kind != Kind::kTensor) {
      fail(fmt::format("entry {} is not a tensor", quote(name.text)), ErrorKind::kUnsupported);
    }
    // A pickle may refer to one long string again and again. Names that differ are written out once each.
    name_bytes += name.text.size();
    if (name_bytes > pickle_bytes) fail("tensors share a name");
    if (name.text.find('\0') != std::string_view::npos) fail("a tensor has a NUL character in its name");
    const TorchTensor& tensor = objects_.tensors()[static_cast<size_t>(value.number)];
    header.infos.push_back(place(tensor, name.text));
    header.strides.push_back(tensor.strides);
    header.names.emplace_back(name.text);
  }
  return header;
}

TensorInfo StateDictReader::place(const TorchTensor& tensor, std::string_view name) const {
  const TorchStorage& storage = objects_.storages()[tensor.storage];
  const std::optional<Range>& range = ranges_[tensor.storage];
  if (!range) fail(fmt::format("the storage of tensor {} is missing", quote(name)));
  const int64_t size = size_of(tensor.dtype);
  const int64_t bytes = checked_bytes(tensor.shape, size, kWhere, name);
  TensorInfo info{tensor.dtype, tensor.shape, range->begin, range->begin};
  if (bytes == 0) return info;

  const int64_t available = (range->end - range->begin) / size;
  int64_t last = tensor.offset;  // the element that lies farthest
  bool overflow = false;
  for (int d = 0; d < tensor.shape.size(); ++d) {
    int64_t reach = 0;
    overflow |= __builtin_mul_overflow(tensor.shape[d] - 1, tensor.strides[d], &reach);
    overflow |= __builtin_add_overflow(last, reach, &last);
  }
  if (overflow || last >= available) {
    fail(fmt::format("tensor {} of {} reaches beyond its storage {} of {} elements", quote(name),
                     tensor.shape.to_string(), quote(storage.key), available));
  }
  // An expanded tensor is legal in torch, but a file of a few bytes could expand to any size once it is copied.
  if (bytes / size > available) {
    fail(fmt::format("tensor {} repeats the elements of its storage", quote(name)), ErrorKind::kUnsupported);
  }
  info.begin += tensor.offset * size;
  info.end = range->begin + (last + 1) * size;
  return info;
}

}  // namespace

PytorchHeader parse_pytorch_header(std::span<const std::byte> file) { return StateDictReader(file).read(); }

PytorchFile PytorchFile::open(const std::string& path) {
  const ErrorScope scope(path);
  MappedFile file = MappedFile::open(path);
  PytorchHeader header = parse_pytorch_header(file.bytes());
  return PytorchFile(std::move(file), std::move(header));
}

PytorchFile::PytorchFile(MappedFile file, PytorchHeader header)
    : TensorFile(std::move(file), std::move(header.names), std::move(header.infos)),
      strides_(std::move(header.strides)) {}

Tensor PytorchFile::read(size_t index) const {
  const TensorInfo& info = info_at(index);
  return view(info.begin, info.end - info.begin, 0, strides_[index], info);
}

}  // namespace imago
