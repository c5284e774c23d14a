#include "imago/io/zip_directory.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "imago/base/byte_reader.h"
#include "imago/base/error.h"
#include "imago/base/quote.h"
#include "imago/io/name_table.h"

namespace imago {
namespace {

constexpr const char* kWhere = "zip";
constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEndOfDirectory = 0x06054b50;
constexpr uint32_t kEndOfDirectory64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr size_t kEndOfDirectorySize = 22;
constexpr size_t kLocator64Size = 20;
constexpr size_t kCentralHeaderSize = 46;
constexpr size_t kMaxCommentSize = 65535;
constexpr uint64_t kMaxDirectoryBytes = 100'000'000;
constexpr uint16_t kZip64Extra = 1;
constexpr uint32_t kIn64BitField = 0xFFFFFFFF;

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kInvalidFile, kWhere, what); }

struct Directory {
  uint64_t offset, size, count;
};

struct CentralHeader {
  std::string name;
  uint64_t size, offset;
};

size_t find_end_of_directory(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (file.size() >= kEndOfDirectorySize) {
    const size_t last = file.size() - kEndOfDirectorySize;
    const std::string_view signature(reinterpret_cast<const char*>(&kEndOfDirectory), 4);
    const size_t at = text.rfind(signature, last);
    if (at != std::string_view::npos && last - at <= kMaxCommentSize) return at;
  }
  fail("there is no end of central directory: the file is truncated");
}

Directory read_directory64(std::span<const std::byte> file, size_t end_of_directory) {
  if (end_of_directory < kLocator64Size) fail("there is no room for the 64-bit locator");
  ByteReader locator(file.subspan(end_of_directory - kLocator64Size), kWhere);
  if (locator.read<uint32_t>() != kLocator64) fail("the 64-bit locator is missing");
  locator.skip(4);
  const auto offset = locator.read<uint64_t>();
  if (offset > file.size()) fail("the 64-bit end of central directory lies outside the file");
  ByteReader record(file.subspan(static_cast<size_t>(offset)), kWhere);
  if (record.read<uint32_t>() != kEndOfDirectory64) fail("the 64-bit end of central directory is missing");
  record.skip(8 + 2 + 2 + 4 + 4 + 8);
  Directory directory{};
  directory.count = record.read<uint64_t>();
  directory.size = record.read<uint64_t>();
  directory.offset = record.read<uint64_t>();
  return directory;
}

Directory find_directory(std::span<const std::byte> file) {
  const size_t at = find_end_of_directory(file);
  ByteReader record(file.subspan(at), kWhere);
  record.skip(4);
  const auto disk = record.read<uint16_t>();
  record.skip(2);
  const auto count_here = record.read<uint16_t>();
  Directory directory{};
  directory.count = record.read<uint16_t>();
  directory.size = record.read<uint32_t>();
  directory.offset = record.read<uint32_t>();
  if ((disk != 0 && disk != 0xFFFF) || count_here != directory.count) {
    throw Error(ErrorKind::kUnsupported, kWhere, "archives in several parts are not read");
  }
  const bool is_64_bit =
      directory.count == 0xFFFF || directory.size == kIn64BitField || directory.offset == kIn64BitField;
  if (is_64_bit) directory = read_directory64(file, at);
  if (directory.offset > at || directory.size > at - directory.offset)
    fail("the central directory lies outside the file");
  if (directory.size > kMaxDirectoryBytes) throw Error(ErrorKind::kLimitExceeded, kWhere, "the directory is too large");
  if (directory.count > directory.size / kCentralHeaderSize) fail("the central directory is too short for its entries");
  return directory;
}

// Takes sizes that do not fit into 32 bits from the extra field, where they stand in this order.
void read_zip64_extra(std::string_view extra, uint64_t& size, uint64_t& stored, uint64_t& offset) {
  ByteReader fields({reinterpret_cast<const std::byte*>(extra.data()), extra.size()}, kWhere);
  while (fields.remaining() >= 4) {
    const auto id = fields.read<uint16_t>();
    const std::string_view body = fields.text(fields.read<uint16_t>());
    if (id != kZip64Extra) continue;
    ByteReader values({reinterpret_cast<const std::byte*>(body.data()), body.size()}, kWhere);
    for (uint64_t* field : {&size, &stored, &offset}) {
      if (*field == kIn64BitField) *field = values.read<uint64_t>();
    }
    return;
  }
}

CentralHeader read_central_header(ByteReader& reader) {
  if (reader.read<uint32_t>() != kCentralHeader) fail("an entry of the central directory has a wrong signature");
  reader.skip(4);
  const auto flags = reader.read<uint16_t>();
  const auto method = reader.read<uint16_t>();
  reader.skip(8);
  uint64_t stored = reader.read<uint32_t>(), size = reader.read<uint32_t>();
  const auto name_size = reader.read<uint16_t>(), extra_size = reader.read<uint16_t>();
  const auto comment_size = reader.read<uint16_t>();
  reader.skip(8);
  uint64_t offset = reader.read<uint32_t>();
  CentralHeader header;
  header.name = reader.text(name_size);
  read_zip64_extra(reader.text(extra_size), size, stored, offset);
  reader.skip(comment_size);
  if (method != 0 || (flags & 1) != 0) {
    throw Error(ErrorKind::kUnsupported, kWhere,
                fmt::format("entry {} is {}", quote(header.name), method != 0 ? "compressed" : "encrypted"),
                "save the checkpoint again with torch.save, which stores entries as they are");
  }
  if (stored != size) fail(fmt::format("entry {} claims two sizes, {} and {}", quote(header.name), size, stored));
  header.size = size;
  header.offset = offset;
  return header;
}

ZipEntry locate(std::span<const std::byte> file, const CentralHeader& header, uint64_t directory_offset) {
  if (header.offset >= directory_offset) fail(fmt::format("entry {} lies outside the file", quote(header.name)));
  ByteReader local(file.subspan(static_cast<size_t>(header.offset)), kWhere);
  if (local.read<uint32_t>() != kLocalHeader) fail(fmt::format("entry {} has no header", quote(header.name)));
  local.skip(22);
  const auto name_size = local.read<uint16_t>(), extra_size = local.read<uint16_t>();
  if (local.text(name_size) != header.name) {
    fail(fmt::format("entry {} is called otherwise in its own header", quote(header.name)));
  }
  local.skip(extra_size);
  const uint64_t begin = header.offset + local.position();
  if (begin > directory_offset || header.size > directory_offset - begin) {
    fail(fmt::format("entry {} of {} bytes reaches beyond the archive", quote(header.name), header.size));
  }
  return {header.name, static_cast<int64_t>(begin), static_cast<int64_t>(begin + header.size)};
}

void check_disjoint(const std::vector<ZipEntry>& entries) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  std::vector<std::string> names;
  for (const ZipEntry& entry : entries) {
    ranges.emplace_back(entry.begin, entry.end);
    names.push_back(entry.name);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) fail("entries overlap");
  }
  const NameTable table(std::move(names));
  if (const std::string* twice = table.duplicate()) fail(fmt::format("entry {} occurs twice", quote(*twice)));
}

}  // namespace

bool is_zip(std::span<const std::byte> file) {
  return file.size() >= sizeof(kLocalHeader) && std::memcmp(file.data(), &kLocalHeader, sizeof(kLocalHeader)) == 0;
}

std::vector<ZipEntry> read_zip_directory(std::span<const std::byte> file) {
  const Directory directory = find_directory(file);
  ByteReader reader(file.subspan(static_cast<size_t>(directory.offset), static_cast<size_t>(directory.size)), kWhere);
  std::vector<ZipEntry> entries;
  for (uint64_t i = 0; i < directory.count; ++i) {
    entries.push_back(locate(file, read_central_header(reader), directory.offset));
  }
  check_disjoint(entries);
  return entries;
}

}  // namespace imago
