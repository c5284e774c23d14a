// Writing weights into a model's folder as save_pretrained does.
#pragma once

#include <cstdint>
#include <string>

#include "imago/io/safetensors_header.h"
#include "imago/io/tensor_file.h"

namespace imago {

struct SaveCheckpointOptions {
  int64_t max_shard_size = 50'000'000'000;  // bytes; a tensor that is larger has a shard for itself
  int64_t total_parameters = -1;            // for the index of a sharded checkpoint; left out where negative
  SafetensorsMetadata metadata = {{"format", "pt"}};
};

// Writes model.safetensors, or model-00001-of-00002.safetensors, ... and their index where the tensors take more than
// max_shard_size, dividing them in the order given. Every file is replaced atomically, the index last; then what an
// earlier save left and would now contradict is removed: other shards, and model.safetensors beside an index or the
// index beside it. Creates the folder. Throws Error kInvalidArgument or kIo.
void save_checkpoint(const std::string& folder, const NamedTensors& tensors, const SaveCheckpointOptions& options = {});

}  // namespace imago
