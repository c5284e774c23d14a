#include "imago/io/save_checkpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>
#include <vector>

#include "imago/base/error.h"
#include "imago/base/file.h"
#include "imago/io/safetensors.h"
#include "imago/io/shard_index.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhere = "save_checkpoint";
constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";

// Tensors go into the current shard in their order until the next would not fit. One that fits into no shard gets its
// own, and the current shard goes on behind it.
std::vector<NamedTensors> divide(const NamedTensors& tensors, int64_t max_shard_size) {
  std::vector<NamedTensors> shards;
  NamedTensors current;
  int64_t current_size = 0;
  for (const auto& named : tensors) {
    const int64_t size = named.second.nbytes();
    if (size > max_shard_size) {
      shards.push_back({named});
      continue;
    }
    if (current_size + size > max_shard_size) {
      shards.push_back(std::move(current));
      current.clear();
      current_size = 0;
    }
    current.push_back(named);
    current_size += size;
  }
  if (!current.empty() || shards.empty()) shards.push_back(std::move(current));
  return shards;
}

// model-00001-of-00002.safetensors
bool is_shard_name(const std::string& name) {
  constexpr std::string_view kPattern = "model-#####-of-#####.safetensors";
  return std::equal(name.begin(), name.end(), kPattern.begin(), kPattern.end(), [](char c, char pattern) {
    return pattern == '#' ? std::isdigit(static_cast<unsigned char>(c)) != 0 : c == pattern;
  });
}

void remove_leftovers(const std::string& folder, const std::vector<std::string>& written) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const bool belongs_to_a_save = name == kSingleFile || name == kIndexFile || is_shard_name(name);
    if (!belongs_to_a_save || std::find(written.begin(), written.end(), name) != written.end()) continue;
    if (!fs::remove(entry.path(), error)) break;
  }
  if (error) {
    throw Error(ErrorKind::kIo, kWhere,
                fmt::format("cannot remove the weights of an earlier save from {}: {}", folder, error.message()),
                "remove them by hand: they would be loaded in place of the new ones");
  }
}

}  // namespace

void save_checkpoint(const std::string& folder, const NamedTensors& tensors, const SaveCheckpointOptions& options) {
  if (options.max_shard_size <= 0) throw Error(ErrorKind::kInvalidArgument, kWhere, "max_shard_size must be positive");
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined())
      throw Error(ErrorKind::kInvalidArgument, kWhere, fmt::format("tensor {} is undefined", name));
  }
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorKind::kIo, kWhere, fmt::format("cannot create {}: {}", folder, error.message()));

  const std::vector<NamedTensors> shards = divide(tensors, options.max_shard_size);
  std::vector<std::string> written;
  ShardIndex index;
  int64_t total_size = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name =
        shards.size() == 1 ? kSingleFile : fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    save_safetensors(folder + "/" + name, shards[i], options.metadata);
    written.push_back(name);
    index.shards.push_back(name);
    for (const auto& [tensor_name, tensor] : shards[i]) {
      index.tensors.emplace_back(tensor_name, i);
      total_size += tensor.nbytes();
    }
  }
  if (shards.size() > 1) {
    write_file_atomically(folder + "/" + kIndexFile, write_shard_index(index, total_size, options.total_parameters));
    written.emplace_back(kIndexFile);
  }
  remove_leftovers(folder, written);
}

}  // namespace imago
