// The header of a safetensors file: https://huggingface.co/docs/safetensors
//   8 bytes: the length N of the header, little-endian; N bytes: JSON; then the tensors' data without gaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "imago/io/tensor_file.h"

namespace imago {

// The file's "__metadata__", in its order.
using SafetensorsMetadata = std::vector<std::pair<std::string, std::string>>;

struct SafetensorsHeader {
  std::vector<std::string> names;  // in the order of their data
  std::vector<TensorInfo> infos;   // of each name; begin and end count from the front of the file
  std::optional<SafetensorsMetadata> metadata;
};

// Checks everything the header claims against the file: lengths, keys, dtypes, shapes, and that the tensors cover the
// data exactly. Reads the header only. Throws Error kInvalidFile; kLimitExceeded for a header over 100 MB (the
// reference's limit); kUnsupported for an element type that Imago does not hold or a tensor of too many dimensions.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file);

// The order of the data in a file that the reference writes: wider element types first, then by name.
// Gives positions in `tensors`.
std::vector<size_t> safetensors_order(const NamedTensors& tensors);

// Length and JSON, padded to a multiple of 8 bytes, byte for byte as the reference writes them.
// Throws Error kInvalidArgument for a name that is not UTF-8, occurs twice or is "__metadata__".
std::string write_safetensors_header(const NamedTensors& tensors, const std::vector<size_t>& order,
                                     const std::optional<SafetensorsMetadata>& metadata);

}  // namespace imago
