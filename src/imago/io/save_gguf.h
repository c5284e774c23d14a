// Writing GGUF files.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/file.h"
#include "imago/base/gguf_metadata.h"
#include "imago/tensor/shape.h"

namespace imago {

// A tensor that is made when its turn comes, so that a file may be larger than memory.
struct GgufTensor {
  std::string name;
  Shape shape;         // row-major
  uint32_t ggml_type;  // 0 is float32; others are those of the weight formats
  int64_t bytes;       // what `write` writes
  std::function<void(FileWriter&)> write;
};

// Replaces `path` atomically by a file of version 3, with an alignment of 32 bytes. Entries are written in their order,
// but for general.alignment, which is left out. Throws Error kInvalidArgument (a name twice) or kIo.
void save_gguf(const std::string& path, const std::vector<std::pair<std::string, GgufValue>>& entries,
               const std::vector<GgufTensor>& tensors);

}  // namespace imago
