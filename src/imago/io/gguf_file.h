// GGUF files as checkpoints: tensors and configuration under the Hub's names.
#pragma once

#include <string>
#include <vector>

#include "imago/io/gguf_architecture.h"
#include "imago/io/tensor_file.h"

namespace imago {

class GgufFile final : public TensorFile {
 public:
  // Maps the file and checks its header, its metadata and its names; the data is not read. Matrices in weight formats
  // stay as they are (Tensor::encoded), on the mapped file where their rows need no reordering.
  // Throws Error kNotFound, kIo, what parse_gguf_header throws, and kUnsupported naming an architecture, an entry of
  // the metadata or a tensor that is not known.
  static GgufFile open(const std::string& path, const GgufArchitectures& architectures);

  const GgufMetadata& metadata() const { return metadata_; }
  // What config.json would say.
  const std::string& config() const { return config_; }

 private:
  struct Parts;
  GgufFile(MappedFile file, Parts parts);
  Tensor read(size_t index) const override;
  Tensor read_stored(size_t index) const;
  // The bytes of a tensor with each head's rows in the Hub's order.
  std::shared_ptr<Storage> halves_from_pairs(const TensorInfo& info, int64_t heads) const;

  GgufMetadata metadata_;
  std::string config_;
  std::vector<int64_t> rotary_heads_;  // of each tensor; 0 where rows are as stored
  std::vector<float> added_;           // of each tensor; 0 where values are as stored
};

}  // namespace imago
