// A model as what a GGUF file of it holds: entries of the metadata, and tensors that are made when they are written.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imago/base/gguf_entries.h"
#include "imago/tensor/tensor.h"

namespace imago {

struct GgufPart {
  std::string name;
  Shape shape;
  std::string_view format;         // that it is stored in; empty for float32
  int64_t bytes;                   // as stored
  std::span<const std::byte> raw;  // of what may be copied as it is; empty where there are none
  std::function<Tensor()> values;  // plain, in float32 and row-major
};

struct GgufParts {
  GgufEntries entries;
  std::vector<GgufPart> parts;
  std::vector<std::string> left_out;  // tensors of the model that such files have no place for
  std::shared_ptr<const void> owner;  // of what the rest points to
};

// Of a GGUF file, without the entries that describe its formats. Throws as parse_gguf_header does, and kUnsupported for
// tensors that are no floats.
GgufParts gguf_parts_of_file(const std::string& path);

// Of a folder of the Hub, by the table of its architecture (GgufArchitecture). Weights that are quantized there are
// decoded. Throws Error kUnsupported naming a model type that is not written, a key of config.json or a part of the
// tokenizer that the format has no words for, or a tensor without a name in it; and what loading throws.
GgufParts gguf_parts_of_folder(const std::string& folder);

}  // namespace imago
