// pytorch_model.bin: what torch.save writes of a state dict, in its zip format (since torch 1.6) and the one before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "imago/io/tensor_file.h"

namespace imago {

struct PytorchHeader {
  std::vector<std::string> names;  // in the state dict's order
  std::vector<TensorInfo> infos;
  std::vector<Shape> strides;  // in elements; a tensor need not be contiguous
};

// Reads the pickle as data and runs nothing (see unpickler.h), checks that every tensor lies inside its storage and
// every storage inside the file, and reads no tensor data.
// Throws Error kInvalidFile; kUnsupported for whatever but a dict from names to tensors, and for big-endian files;
// kLimitExceeded.
PytorchHeader parse_pytorch_header(std::span<const std::byte> file);

class PytorchFile final : public TensorFile {
 public:
  static PytorchFile open(const std::string& path);  // throws Error kNotFound, kIo, and as parse_pytorch_header does

 private:
  PytorchFile(MappedFile file, PytorchHeader header);
  Tensor read(size_t index) const override;

  std::vector<Shape> strides_;
};

}  // namespace imago
