#include "imago/io/safetensors_header.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <string_view>

#include "imago/base/error.h"
#include "imago/base/json.h"
#include "imago/base/quote.h"
#include "imago/base/unicode.h"
#include "imago/io/name_table.h"

namespace imago {
namespace {

using simdjson::dom::element;

constexpr const char* kWhere = "safetensors";
constexpr std::string_view kMetadataKey = "__metadata__";
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kLengthBytes = 8;

struct FormatDType {
  std::string_view name;
  std::optional<DType> dtype;  // empty: the format has it, Imago has not
};

// In the reference's order, which is that of the data in the file read backwards.
constexpr std::array<FormatDType, 22> kDTypes = {{
    {"BOOL", DType::boolean},
    {"F4", std::nullopt},
    {"F6_E2M3", std::nullopt},
    {"F6_E3M2", std::nullopt},
    {"U8", DType::u8},
    {"I8", DType::i8},
    {"F8_E5M2", DType::f8_e5m2},
    {"F8_E4M3", DType::f8_e4m3fn},
    {"F8_E8M0", std::nullopt},
    {"F8_E4M3FNUZ", std::nullopt},
    {"F8_E5M2FNUZ", std::nullopt},
    {"I16", DType::i16},
    {"U16", std::nullopt},
    {"F16", DType::f16},
    {"BF16", DType::bf16},
    {"I32", DType::i32},
    {"U32", std::nullopt},
    {"F32", DType::f32},
    {"C64", std::nullopt},
    {"F64", DType::f64},
    {"I64", DType::i64},
    {"U64", std::nullopt},
}};

size_t rank_of(DType dtype) {
  const auto at = std::find_if(kDTypes.begin(), kDTypes.end(),
                               [dtype](const FormatDType& format) { return format.dtype == dtype; });
  return static_cast<size_t>(at - kDTypes.begin());
}

[[noreturn]] void fail(const std::string& what, ErrorKind kind = ErrorKind::kInvalidFile) {
  throw Error(kind, kWhere, what);
}

[[noreturn]] void fail_tensor(std::string_view name, std::string_view what, ErrorKind kind = ErrorKind::kInvalidFile) {
  fail(fmt::format("tensor {} {}", quote(name), what), kind);
}

std::string_view header_text(std::span<const std::byte> file) {
  if (file.size() < kLengthBytes) fail(fmt::format("a file of {} bytes is too short for a header", file.size()));
  uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  if (length > kMaxHeaderBytes) {
    fail(fmt::format("the header claims {} bytes, more than the {} allowed", length, kMaxHeaderBytes),
         ErrorKind::kLimitExceeded);
  }
  if (length > file.size() - kLengthBytes) {
    fail(fmt::format("the header claims {} bytes, but the file has {} in all: it is truncated", length, file.size()));
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kLengthBytes, length);
  if (!text.starts_with('{')) fail("the header does not begin with '{'");
  return text;
}

DType parse_element_type(std::string_view name, element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) fail_tensor(name, "has a dtype that is not a string");
  for (const FormatDType& format : kDTypes) {
    if (format.name != text) continue;
    if (!format.dtype)
      fail_tensor(name, fmt::format("has dtype {}, which is not supported", text), ErrorKind::kUnsupported);
    return *format.dtype;
  }
  fail_tensor(name, fmt::format("has the unknown dtype {}", quote(text)));
}

int64_t parse_size(std::string_view name, element value) {
  int64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < 0) {
    fail_tensor(name, "has a shape or offset that is not a non-negative 64-bit integer");
  }
  return number;
}

Shape parse_shape(std::string_view name, element value) {
  simdjson::dom::array sizes;
  if (value.get(sizes) != simdjson::SUCCESS) fail_tensor(name, "has a shape that is not a list");
  Shape shape;
  for (const element size : sizes) {
    if (shape.size() == Shape::kMaxDims) {
      fail_tensor(name, fmt::format("has more than {} dimensions", Shape::kMaxDims), ErrorKind::kUnsupported);
    }
    shape.push_back(parse_size(name, size));
  }
  return shape;
}

void parse_offsets(std::string_view name, element value, TensorInfo& info) {
  simdjson::dom::array offsets;
  if (value.get(offsets) != simdjson::SUCCESS || offsets.size() != 2) {
    fail_tensor(name, "has data_offsets that are not a list of two");
  }
  info.begin = parse_size(name, offsets.at(0).value_unsafe());
  info.end = parse_size(name, offsets.at(1).value_unsafe());
}

TensorInfo parse_info(std::string_view name, element value) {
  simdjson::dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) fail_tensor(name, "is not described by an object");
  TensorInfo info;
  bool has_dtype = false, has_shape = false, has_offsets = false;
  auto once = [&](bool& seen, std::string_view key) {
    if (seen) fail_tensor(name, fmt::format("has the key \"{}\" twice", key));
    seen = true;
  };
  for (const auto& [key, field] : fields) {
    if (key == "dtype") {
      once(has_dtype, key);
      info.dtype = parse_element_type(name, field);
    } else if (key == "shape") {
      once(has_shape, key);
      info.shape = parse_shape(name, field);
    } else if (key == "data_offsets") {
      once(has_offsets, key);
      parse_offsets(name, field, info);
    } else {
      fail_tensor(name, fmt::format("has the unknown key {}", quote(key)));
    }
  }
  if (!has_dtype || !has_shape || !has_offsets) fail_tensor(name, "lacks one of dtype, shape and data_offsets");
  if (info.end < info.begin) fail_tensor(name, fmt::format("ends at {} before it begins at {}", info.end, info.begin));
  const int64_t bytes = checked_bytes(info.shape, size_of(info.dtype), kWhere, name);
  if (bytes != info.end - info.begin) {
    fail_tensor(name, fmt::format("of {} {} takes {} bytes, but its data_offsets span {}", to_string(info.dtype),
                                  info.shape.to_string(), bytes, info.end - info.begin));
  }
  return info;
}

SafetensorsMetadata parse_metadata(element value) {
  simdjson::dom::object fields;
  if (value.get(fields) != simdjson::SUCCESS) fail("__metadata__ is not an object");
  SafetensorsMetadata metadata;
  std::vector<std::string> keys;
  for (const auto& [key, field] : fields) {
    std::string_view text;
    if (field.get(text) != simdjson::SUCCESS) fail(fmt::format("__metadata__ {} is not a string", quote(key)));
    metadata.emplace_back(key, text);
    keys.emplace_back(key);
  }
  const NameTable table(std::move(keys));
  if (const std::string* twice = table.duplicate()) fail(fmt::format("__metadata__ has {} twice", quote(*twice)));
  return metadata;
}

// Puts the tensors in the order of their data, and checks that they cover it without a hole or an overlap.
void sort_and_check_cover(SafetensorsHeader& header, int64_t data_begin, int64_t data_bytes) {
  std::vector<size_t> order(header.names.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const TensorInfo &x = header.infos[a], &y = header.infos[b];
    return x.begin != y.begin ? x.begin < y.begin : x.end < y.end;  // an empty tensor comes before what begins there
  });
  SafetensorsHeader sorted;
  sorted.metadata = std::move(header.metadata);
  int64_t covered = 0;
  for (const size_t index : order) {
    TensorInfo info = header.infos[index];
    if (info.begin != covered) {
      fail_tensor(header.names[index], fmt::format("begins at {} where the data before it ends at {}: {}", info.begin,
                                                   covered, info.begin < covered ? "they overlap" : "there is a hole"));
    }
    if (info.end > data_bytes) {
      fail_tensor(header.names[index],
                  fmt::format("ends at {}, but the file has {} bytes of data: it is truncated", info.end, data_bytes));
    }
    covered = info.end;
    info.begin += data_begin;
    info.end += data_begin;
    sorted.names.push_back(std::move(header.names[index]));
    sorted.infos.push_back(info);
  }
  if (covered != data_bytes) {
    fail(fmt::format("the tensors take {} bytes, but the file has {} bytes of data", covered, data_bytes));
  }
  header = std::move(sorted);
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file) {
  const std::string_view text = header_text(file);
  simdjson::dom::parser parser;
  simdjson::dom::object fields;
  if (const auto error = parser.parse(text.data(), text.size(), true).get(fields)) {
    fail(fmt::format("the header is not a JSON object: {}", simdjson::error_message(error)));
  }
  SafetensorsHeader header;
  for (const auto& [key, value] : fields) {
    if (key == kMetadataKey) {
      if (header.metadata) fail("the header has __metadata__ twice");
      header.metadata = parse_metadata(value);
      continue;
    }
    if (key.find('\0') != std::string_view::npos) fail_tensor(key, "has a NUL character in its name");
    header.names.emplace_back(key);
    header.infos.push_back(parse_info(key, value));
  }
  const size_t data_begin = kLengthBytes + text.size();
  sort_and_check_cover(header, static_cast<int64_t>(data_begin), static_cast<int64_t>(file.size() - data_begin));
  return header;
}

std::vector<size_t> safetensors_order(const NamedTensors& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const size_t x = rank_of(tensors[a].second.dtype()), y = rank_of(tensors[b].second.dtype());
    return x != y ? x > y : tensors[a].first < tensors[b].first;
  });
  return order;
}

std::string write_safetensors_header(const NamedTensors& tensors, const std::vector<size_t>& order,
                                     const std::optional<SafetensorsMetadata>& metadata) {
  std::string json = "{";
  auto put = [&json](std::string_view key) {
    if (!is_valid_utf8(key)) throw Error(ErrorKind::kInvalidArgument, kWhere, quote(key) + " is not UTF-8");
    append_json_string(json, key, false);
  };
  if (metadata) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : *metadata) {
      if (json.back() != '{') json += ',';
      put(key);
      json += ':';
      put(value);
    }
    json += '}';
  }
  int64_t offset = 0;
  for (const size_t index : order) {
    const auto& [name, tensor] = tensors[index];
    if (name == kMetadataKey)
      throw Error(ErrorKind::kInvalidArgument, kWhere, "a tensor cannot be called __metadata__");
    if (json.back() != '{') json += ',';
    put(name);
    json += fmt::format(":{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                        kDTypes[rank_of(tensor.dtype())].name, fmt::join(tensor.shape(), ","), offset,
                        offset + tensor.nbytes());
    offset += tensor.nbytes();
  }
  json += '}';
  json.append((kLengthBytes - json.size() % kLengthBytes) % kLengthBytes, ' ');
  const uint64_t length = json.size();
  if (length > kMaxHeaderBytes) {
    throw Error(ErrorKind::kLimitExceeded, kWhere,
                fmt::format("the header takes {} bytes, more than the {} allowed", length, kMaxHeaderBytes));
  }
  return std::string(reinterpret_cast<const char*>(&length), kLengthBytes) + json;
}

}  // namespace imago
