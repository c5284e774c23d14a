// The weights in a model's folder, whatever files they are in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/io/tensor_file.h"

namespace imago {

class Checkpoint {
 public:
  // Looks, in the reference's order, for model.safetensors, model.safetensors.index.json, pytorch_model.bin and
  // pytorch_model.bin.index.json. Reads headers only.
  // Throws Error kNotFound when there is none of them, kInvalidFile when a shard lacks a tensor that the index lists or
  // has one that it does not list, and what the files' own readers throw.
  static Checkpoint open(const std::string& folder);
  // One file by its path: a safetensors file when it is called so, else what torch.save writes.
  static Checkpoint open_file(const std::string& path);
  // A file that is open already.
  static Checkpoint of_file(std::shared_ptr<const TensorFile> file) { return Checkpoint({std::move(file)}); }

  const std::vector<std::string>& names() const { return names_.names(); }
  bool contains(std::string_view name) const { return names_.find(name).has_value(); }
  // Throw Error kNotFound where there is no such tensor.
  const TensorInfo& info(std::string_view name) const { return file_of(name).info(name); }
  Tensor tensor(std::string_view name) const { return file_of(name).tensor(name); }

  int64_t bytes() const;  // of all tensors
  const std::vector<std::shared_ptr<const TensorFile>>& files() const { return files_; }

 private:
  explicit Checkpoint(std::vector<std::shared_ptr<const TensorFile>> files);
  static Checkpoint open_shards(const std::string& index_path);
  const TensorFile& file_of(std::string_view name) const;

  std::vector<std::shared_ptr<const TensorFile>> files_;
  NameTable names_;
  std::vector<size_t> file_of_;  // of each name
};

}  // namespace imago
