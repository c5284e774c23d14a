// model.safetensors.index.json and pytorch_model.bin.index.json: which file of a sharded checkpoint has which tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace imago {

struct ShardIndex {
  std::vector<std::string> shards;                      // file names without a path, sorted
  std::vector<std::pair<std::string, size_t>> tensors;  // name and position in shards
};

// Throws Error kInvalidFile for malformed JSON, names that occur twice, and shard names that are paths.
// Other keys than "weight_map" are left alone: published checkpoints put what they like there, and "metadata" with a
// wrong "total_size" is common.
ShardIndex parse_shard_index(std::string_view json);

// As save_pretrained writes it: two spaces of indentation, keys sorted. `total_parameters` is left out where negative.
std::string write_shard_index(const ShardIndex& index, int64_t total_size, int64_t total_parameters);

}  // namespace imago
