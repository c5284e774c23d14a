// The front of a GGUF file: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
//   "GGUF", version, counts; metadata; a description of each tensor; then the tensors' data, each aligned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "imago/base/gguf_metadata.h"
#include "imago/io/tensor_file.h"

namespace imago {

struct GgufHeader {
  uint32_t version = 3;
  int64_t alignment = 32;
  GgufMetadata metadata;           // points into the file's bytes
  std::vector<std::string> names;  // in the file's order
  std::vector<TensorInfo> infos;   // of each name; sizes in row-major order, the file's reversed
};

// Checks everything the header claims against the file: versions 2 and 3, counts, keys, types, alignment, shapes, whole
// blocks, and that the tensors lie inside the data without overlap. Reads the header only. Throws Error kInvalidFile;
// kLimitExceeded for more entries or tensors than any model has; kUnsupported naming a version, an element type or a
// file split in parts.
GgufHeader parse_gguf_header(std::span<const std::byte> file);

}  // namespace imago
