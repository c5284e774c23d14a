// Reading and writing safetensors files.
#pragma once

#include <optional>
#include <string>

#include "imago/io/safetensors_header.h"
#include "imago/io/tensor_file.h"

namespace imago {

class SafetensorsFile final : public TensorFile {
 public:
  // Maps the file and checks its header; the data is not read. Throws Error kNotFound, kIo, and what
  // parse_safetensors_header throws.
  static SafetensorsFile open(const std::string& path);

  const std::optional<SafetensorsMetadata>& metadata() const { return metadata_; }

 private:
  SafetensorsFile(MappedFile file, SafetensorsHeader header);
  Tensor read(size_t index) const override;

  std::optional<SafetensorsMetadata> metadata_;
};

// Replaces `path` atomically by a file of these tensors, byte for byte the file that the reference writes from them.
// The tensors must be contiguous and on the CPU, and may borrow the very file that is replaced. Throws Error
// kInvalidArgument (a tensor or a name that cannot be saved) or kIo.
void save_safetensors(const std::string& path, const NamedTensors& tensors,
                      const std::optional<SafetensorsMetadata>& metadata = std::nullopt);

}  // namespace imago
