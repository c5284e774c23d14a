// The weights in a model's folder, whatever files they are in.
#pragma once

#include <cstdint>
#include <functional>
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

  // A tensor that is made from others of the checkpoint when it is asked for.
  struct Made {
    std::string name;
    TensorInfo info;
    std::function<Tensor()> make;
  };
  // The checkpoint with `made` in the place of the tensors called `parts`. Throws Error kInvalidFile when a name occurs
  // twice.
  Checkpoint with(std::vector<Made> made, const std::vector<std::string>& parts) const;

  const std::vector<std::string>& names() const { return names_.names(); }
  bool contains(std::string_view name) const { return names_.find(name).has_value(); }
  // Throw Error kNotFound where there is no such tensor.
  const TensorInfo& info(std::string_view name) const;
  Tensor tensor(std::string_view name) const;

  int64_t bytes() const;  // of all tensors
  const std::vector<std::shared_ptr<const TensorFile>>& files() const { return files_; }

 private:
  explicit Checkpoint(std::vector<std::shared_ptr<const TensorFile>> files);
  static Checkpoint open_shards(const std::string& index_path);
  size_t index_of(std::string_view name) const;

  std::vector<std::shared_ptr<const TensorFile>> files_;
  std::vector<Made> made_;
  NameTable names_;
  std::vector<size_t> source_of_;  // of each name: a file, or, counted on from those, one that is made
};

}  // namespace imago
