#include "imago/io/checkpoint.h"

#include <fmt/core.h>

#include <array>
#include <filesystem>
#include <unordered_set>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/base/quote.h"
#include "imago/io/pytorch_file.h"
#include "imago/io/safetensors.h"
#include "imago/io/shard_index.h"

namespace imago {
namespace {

constexpr const char* kWhere = "checkpoint";
constexpr int64_t kMaxIndexBytes = 100'000'000;

struct Candidate {
  const char* name;
  bool is_index;
};

constexpr auto kCandidates = std::to_array<Candidate>({{"model.safetensors", false},
                                                       {"model.safetensors.index.json", true},
                                                       {"pytorch_model.bin", false},
                                                       {"pytorch_model.bin.index.json", true}});

std::shared_ptr<const TensorFile> open_tensor_file(const std::string& path) {
  if (path.ends_with(".safetensors")) return std::make_shared<SafetensorsFile>(SafetensorsFile::open(path));
  return std::make_shared<PytorchFile>(PytorchFile::open(path));
}

// Each tensor is in the shard that the index names, and no shard has others.
void check_against_index(const ShardIndex& index, const std::vector<std::shared_ptr<const TensorFile>>& files) {
  std::vector<size_t> listed(files.size());
  for (const auto& [name, shard] : index.tensors) {
    if (!files[shard]->contains(name)) {
      throw Error(ErrorKind::kInvalidFile, kWhere,
                  fmt::format("tensor {} is not in {}, where the index says it is", quote(name), index.shards[shard]));
    }
    ++listed[shard];
  }
  for (size_t shard = 0; shard < files.size(); ++shard) {
    if (const size_t count = files[shard]->names().size(); count != listed[shard]) {
      throw Error(ErrorKind::kInvalidFile, kWhere,
                  fmt::format("{} has {} tensors, but the index lists {}", index.shards[shard], count, listed[shard]));
    }
  }
}

}  // namespace

Checkpoint::Checkpoint(std::vector<std::shared_ptr<const TensorFile>> files) : files_(std::move(files)) {
  std::vector<std::string> names;
  for (size_t i = 0; i < files_.size(); ++i) {
    names.insert(names.end(), files_[i]->names().begin(), files_[i]->names().end());
    source_of_.resize(names.size(), i);
  }
  names_ = NameTable(std::move(names));
}

Checkpoint Checkpoint::open(const std::string& folder) {
  std::string looked_for;
  for (const Candidate& candidate : kCandidates) {
    const std::string path = folder + "/" + candidate.name;
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return candidate.is_index ? open_shards(path) : open_file(path);
    looked_for += fmt::format("{}{}", looked_for.empty() ? "" : ", ", candidate.name);
  }
  throw Error(ErrorKind::kNotFound, kWhere, fmt::format("{} has no weights: looked for {}", folder, looked_for),
              "pass a folder that save_pretrained wrote");
}

Checkpoint Checkpoint::open_file(const std::string& path) { return Checkpoint({open_tensor_file(path)}); }

Checkpoint Checkpoint::open_shards(const std::string& index_path) {
  const ErrorScope scope(index_path);
  const ShardIndex index = parse_shard_index(read_file(index_path, kMaxIndexBytes));
  const std::string folder = index_path.substr(0, index_path.rfind('/') + 1);
  std::vector<std::shared_ptr<const TensorFile>> files;
  for (const std::string& shard : index.shards) files.push_back(open_tensor_file(folder + shard));
  check_against_index(index, files);
  return Checkpoint(std::move(files));
}

Checkpoint Checkpoint::with(std::vector<Made> made, const std::vector<std::string>& parts) const {
  const std::unordered_set<std::string_view> left_out(parts.begin(), parts.end());
  Checkpoint result = *this;
  std::vector<std::string> kept;
  result.source_of_.clear();
  for (size_t i = 0; i < names().size(); ++i) {
    if (left_out.contains(names()[i])) continue;
    kept.push_back(names()[i]);
    result.source_of_.push_back(source_of_[i]);
  }
  for (Made& tensor : made) {
    kept.push_back(tensor.name);
    result.source_of_.push_back(files_.size() + result.made_.size());
    result.made_.push_back(std::move(tensor));
  }
  result.names_ = NameTable(std::move(kept));
  if (const std::string* twice = result.names_.duplicate()) {
    throw Error(ErrorKind::kInvalidFile, kWhere, fmt::format("tensor {} is there twice", quote(*twice)));
  }
  return result;
}

size_t Checkpoint::index_of(std::string_view name) const {
  if (const auto index = names_.find(name)) return source_of_[*index];
  throw Error(ErrorKind::kNotFound, kWhere, fmt::format("there is no tensor {}", quote(name)));
}

const TensorInfo& Checkpoint::info(std::string_view name) const {
  const size_t index = index_of(name);
  return index < files_.size() ? files_[index]->info(name) : made_[index - files_.size()].info;
}

Tensor Checkpoint::tensor(std::string_view name) const {
  const size_t index = index_of(name);
  return index < files_.size() ? files_[index]->tensor(name) : made_[index - files_.size()].make();
}

int64_t Checkpoint::bytes() const {
  int64_t total = 0;
  for (const auto& file : files_) {
    for (const std::string& name : file->names()) {
      const TensorInfo& info = file->info(name);
      total += info.format.empty() ? info.shape.product() * size_of(info.dtype) : info.end - info.begin;
    }
  }
  return total;
}

}  // namespace imago
