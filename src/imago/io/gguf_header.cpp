#include "imago/io/gguf_header.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>

#include "imago/base/error.h"
#include "imago/base/quote.h"
#include "imago/base/unicode.h"
#include "imago/quant/format.h"

namespace imago {
namespace {

constexpr const char* kWhere = "gguf";
constexpr uint64_t kMaxTensors = 1 << 20;
constexpr uint64_t kMaxNameBytes = 1024;
constexpr uint32_t kMaxDimensions = 4;
constexpr int64_t kMaxAlignment = 1 << 20;

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kInvalidFile, kWhere, what); }

// The element types that are no weight formats.
std::optional<DType> plain_dtype(uint32_t type) {
  switch (type) {
    case 0: return DType::f32;
    case 24: return DType::i8;
    case 25: return DType::i16;
    case 26: return DType::i32;
    case 27: return DType::i64;
    case 28: return DType::f64;
    default: return std::nullopt;
  }
}

Shape read_shape(ByteReader& reader, std::string_view name) {
  const auto dimensions = reader.read<uint32_t>();
  if (dimensions < 1 || dimensions > kMaxDimensions) {
    fail(fmt::format("tensor {} has {} dimensions", quote(name), dimensions));
  }
  Shape shape = Shape::filled(static_cast<int>(dimensions), 1);
  for (int d = static_cast<int>(dimensions) - 1; d >= 0; --d) {  // the fastest comes first
    const auto size = reader.read<int64_t>();
    if (size < 1) fail(fmt::format("tensor {} has a dimension of {} elements", quote(name), size));
    shape[d] = size;
  }
  return shape;
}

// What a tensor of the element type takes; sets dtype and format.
int64_t tensor_bytes(uint32_t type, std::string_view name, TensorInfo& info) {
  const std::span<const int64_t> sizes(info.shape.begin(), info.shape.end());
  if (const auto dtype = plain_dtype(type)) {
    info.dtype = *dtype;
    return checked_bytes(sizes, size_of(*dtype), kWhere, name);
  }
  const quant::Format* format = quant::find_ggml_format(type);
  if (format == nullptr) {
    throw Error(ErrorKind::kUnsupported, kWhere,
                fmt::format("tensor {} has elements of the ggml type {}", quote(name), type));
  }
  const int64_t columns = sizes.back();
  if (columns % format->block_elements != 0) {
    fail(fmt::format("tensor {} has rows of {} elements, which are no whole number of {} blocks of {}", quote(name),
                     columns, format->name, format->block_elements));
  }
  checked_bytes(sizes, 1, kWhere, name);  // elements are counted in 64 bits too
  info.dtype = DType::f32;
  info.format = format->name;
  return checked_bytes(sizes.first(sizes.size() - 1), columns / format->block_elements * format->block_bytes, kWhere,
                       name);
}

// `begin` counts from the front of the data until place() moves it.
void read_tensor(ByteReader& reader, int64_t alignment, GgufHeader& header) {
  const auto size = reader.read<uint64_t>();
  if (size == 0 || size > kMaxNameBytes) fail(fmt::format("a tensor has a name of {} bytes", size));
  std::string name(reader.text(size));
  if (!is_valid_utf8(name)) fail(fmt::format("the name {} is not UTF-8", quote(name)));
  TensorInfo info;
  info.shape = read_shape(reader, name);
  const auto type = reader.read<uint32_t>();
  const int64_t bytes = tensor_bytes(type, name, info);
  info.begin = reader.read<int64_t>();
  if (info.begin < 0 || info.begin % alignment != 0) {
    fail(fmt::format("tensor {} lies at {}, which is no multiple of {}", quote(name), info.begin, alignment));
  }
  if (__builtin_add_overflow(info.begin, bytes, &info.end)) {
    fail(fmt::format("tensor {} ends beyond what 64 bits count", quote(name)));
  }
  header.names.push_back(std::move(name));
  header.infos.push_back(info);
}

// Moves the tensors to where the data begins, and sees that they lie in it one after another.
void place(GgufHeader& header, size_t header_bytes, size_t file_bytes) {
  if (header.infos.empty()) return;
  const int64_t begin =
      (static_cast<int64_t>(header_bytes) + header.alignment - 1) / header.alignment * header.alignment;
  const int64_t size = static_cast<int64_t>(file_bytes) - begin;
  std::vector<size_t> order(header.infos.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return header.infos[a].begin < header.infos[b].begin; });
  int64_t end = 0;
  for (const size_t i : order) {
    TensorInfo& info = header.infos[i];
    if (info.begin < end) fail(fmt::format("tensor {} overlaps the one before it", quote(header.names[i])));
    if (info.end > size)
      fail(fmt::format("tensor {} ends beyond the file, which is truncated", quote(header.names[i])));
    end = info.end;
    info.begin += begin;
    info.end += begin;
  }
  if (size - end >= header.alignment) fail(fmt::format("{} bytes follow the last tensor", size - end));
}

int64_t read_alignment(const GgufMetadata& metadata) {
  const int64_t alignment = metadata.integer("general.alignment").value_or(32);
  if (alignment < 8 || alignment > kMaxAlignment || !std::has_single_bit(static_cast<uint64_t>(alignment))) {
    fail(fmt::format("general.alignment is {}", alignment));
  }
  return alignment;
}

}  // namespace

GgufHeader parse_gguf_header(std::span<const std::byte> file) {
  ByteReader reader(file, kWhere);
  GgufPreamble preamble = read_gguf_preamble(reader);
  if (preamble.tensors > kMaxTensors) {
    throw Error(ErrorKind::kLimitExceeded, kWhere,
                fmt::format("{} tensors, {} at most", preamble.tensors, kMaxTensors));
  }
  GgufHeader header;
  header.version = preamble.version;
  header.metadata = std::move(preamble.metadata);
  header.alignment = read_alignment(header.metadata);
  if (header.metadata.integer("split.count").value_or(1) > 1) {
    throw Error(ErrorKind::kUnsupported, kWhere, "the model is split in several files", "merge them with gguf-split");
  }
  for (uint64_t i = 0; i < preamble.tensors; ++i) read_tensor(reader, header.alignment, header);
  place(header, reader.position(), file.size());
  return header;
}

}  // namespace imago
