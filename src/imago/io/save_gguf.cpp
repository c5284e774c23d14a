#include "imago/io/save_gguf.h"

#include <fmt/core.h>

#include <algorithm>

#include "imago/base/error.h"
#include "imago/base/gguf_entries.h"
#include "imago/base/quote.h"
#include "imago/io/name_table.h"

namespace imago {
namespace {

constexpr int64_t kAlignment = 32;
constexpr std::string_view kAlignmentKey = "general.alignment";

int64_t padded(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

std::string with_length(std::string_view text) { return gguf_number<uint64_t>(text.size()).append(text); }

std::string entry_bytes(const std::string& key, const GgufValue& value) {
  std::string bytes = with_length(key) + gguf_number(static_cast<uint32_t>(value.type));
  if (value.type == GgufType::kArray) {
    bytes += gguf_number(static_cast<uint32_t>(value.element)) + gguf_number(value.count);
  } else if (value.type == GgufType::kString) {
    bytes += gguf_number<uint64_t>(value.bytes.size());
  }
  return bytes.append(value.bytes);
}

std::string tensor_bytes(const GgufTensor& tensor, int64_t offset) {
  std::string bytes = with_length(tensor.name) + gguf_number(static_cast<uint32_t>(tensor.shape.size()));
  for (int d = tensor.shape.size() - 1; d >= 0; --d) bytes += gguf_number(tensor.shape[d]);  // the fastest comes first
  return bytes + gguf_number(tensor.ggml_type) + gguf_number(offset);
}

void check_names(const std::vector<GgufTensor>& tensors) {
  std::vector<std::string> names;
  for (const GgufTensor& tensor : tensors) names.push_back(tensor.name);
  const NameTable table(std::move(names));
  if (const std::string* twice = table.duplicate()) {
    throw Error(ErrorKind::kInvalidArgument, "save_gguf", fmt::format("tensor {} is listed twice", quote(*twice)));
  }
}

}  // namespace

void save_gguf(const std::string& path, const std::vector<std::pair<std::string, GgufValue>>& entries,
               const std::vector<GgufTensor>& tensors) {
  check_names(tensors);
  std::string header = "GGUF" + gguf_number<uint32_t>(3) + gguf_number<uint64_t>(tensors.size());
  const auto kept =
      std::count_if(entries.begin(), entries.end(), [](const auto& e) { return e.first != kAlignmentKey; });
  header += gguf_number(static_cast<uint64_t>(kept));
  for (const auto& [key, value] : entries) {
    if (key != kAlignmentKey) header += entry_bytes(key, value);
  }
  int64_t offset = 0;
  for (const GgufTensor& tensor : tensors) {
    header += tensor_bytes(tensor, offset);
    offset += padded(tensor.bytes);
  }
  header.resize(static_cast<size_t>(padded(static_cast<int64_t>(header.size()))));
  const std::string padding(kAlignment, '\0');
  write_file_atomically(path, [&](FileWriter& writer) {
    writer.write(header);
    for (const GgufTensor& tensor : tensors) {
      tensor.write(writer);
      writer.write(std::string_view(padding).substr(0, static_cast<size_t>(padded(tensor.bytes) - tensor.bytes)));
    }
  });
}

}  // namespace imago
